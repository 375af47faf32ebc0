#include "control/holdings.h"

#include <algorithm>

#include "control/assemble.h"
#include "identity/seal.h"

namespace weir::control {
namespace {

bool has_sealed(const Json& value) {
  if (value.is_string()) return identity::is_sealed(value.as_string());
  if (value.is_array()) return std::ranges::any_of(value.items(), has_sealed);
  if (value.is_object())
    return std::ranges::any_of(value.members(), [](const Json::Member& each) { return has_sealed(each.value); });
  return false;
}

// Only these two kinds have sealed texts.
bool has_sealed_part(const Json& document) {
  return std::ranges::any_of(std::array{Kind::secret, Kind::certificate}, [&](Kind kind) {
    const Json* list = document.find(collection(kind));
    return list != nullptr && has_sealed(*list);
  });
}

}  // namespace

StoreResult<Holdings> holdings(Store& store) {
  Holdings out;
  const auto read = store.read([&](StoreView& view) -> StoreResult<void> {
    const auto last = view.revision(0);
    if (!last) return std::unexpected(last.error());
    out.last_revision = *last ? (*last)->number : 0;
    const auto objects = view.all_objects();
    if (!objects) return std::unexpected(objects.error());
    out.objects = !objects->empty();
    out.sealed = has_sealed_part(assemble(*objects));
    if (out.sealed) return {};
    const auto document = published_document(view);
    if (!document) return std::unexpected(document.error());
    out.sealed = has_sealed_part(*document);
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return out;
}

}  // namespace weir::control
