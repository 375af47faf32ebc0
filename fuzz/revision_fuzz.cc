// fuzz: revision
// What a gateway reads from Redis and from its disk: a revision, and a delta from one. Input: a document, a line of
// dashes, the bytes. What decodes is spelled the one way; what a delta leads to has the digest it names; a delta of
// plain JSON applied to a document gives a document or a sentence.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crypto/digest.h"
#include "revision/delta.h"
#include "revision/splice.h"

namespace {

using namespace weir;

void require(bool holds) {
  if (!holds) std::abort();
}

void try_delta(const revision::Signed& from, std::string_view bytes) {
  if (const auto after = revision::apply_delta(from, bytes)) {
    require(after->digest == crypto::sha256_hex(after->document));
    const auto back = revision::decode(revision::encode(*after));
    require(back && back->document == after->document && back->number == after->number);
  }
}

// As another document, there is a delta to it; as a delta itself, whatever it does.
void try_json(const Json& from, std::string_view bytes) {
  const auto other = parse_json(bytes);
  if (!other) return;
  if (other->is_object() && from.is_object()) {
    const auto after = revision::apply(from, revision::difference(from, *other));
    require(after && to_canonical(*after) == to_canonical(*other));
    const std::string before = to_canonical(from), next = to_canonical(*other);
    const auto texts = revision::difference_of_texts(before, next);
    require(!texts || *texts == revision::difference(*parse_json(before), *parse_json(next)));
    const revision::Extent extent = revision::extent(from, *other);
    require(extent.removed + extent.changed <= extent.before);
  }
  // The fast way never gives what the slow one does not.
  const auto after = revision::apply(from, *other);
  const auto spliced = revision::splice(to_canonical(from), *other);
  require(!after || after->is_object());
  require(!spliced || (after && to_canonical(*after) == *spliced));
  // Of a text that may be anything.
  revision::splice(bytes, from);
  revision::difference_of_texts(bytes, to_canonical(from));
  revision::difference_of_texts(to_canonical(from), bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kDashes = "\n---\n";
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t at = input.find(kDashes);
  const std::string_view document = input.substr(0, std::min(at, input.size()));
  const std::string_view bytes = at == std::string_view::npos ? input : input.substr(at + kDashes.size());

  const auto revision = revision::decode(bytes);
  require((revision && revision::encode(*revision) == bytes) || (!revision && !revision.error().empty()));
  const auto from = parse_json(document);
  if (!from) return 0;
  revision::Signed start;
  start.number = 1;
  start.document = to_canonical(*from);
  start.digest = crypto::sha256_hex(start.document);
  try_delta(start, bytes);
  try_json(*from, bytes);
  return 0;
}
