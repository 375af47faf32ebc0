// Which methods Weir knows by name. Called by the parsers. Method names are case-sensitive (RFC 9110 §9.1), so that
// `get` is a method of its own and not GET. Any thread.
#include "http/message/message.h"

namespace weir::http {

Method method_of(std::string_view token) noexcept {
  switch (token.size()) {
    case 3:
      return token == "GET" ? Method::get : token == "PUT" ? Method::put : Method::other;
    case 4:
      return token == "POST" ? Method::post : token == "HEAD" ? Method::head : Method::other;
    case 5:
      return token == "PATCH" ? Method::patch : token == "TRACE" ? Method::trace : Method::other;
    case 6:
      return token == "DELETE" ? Method::delete_ : Method::other;
    case 7:
      return token == "OPTIONS" ? Method::options : token == "CONNECT" ? Method::connect : Method::other;
    default:
      return Method::other;
  }
}

}  // namespace weir::http
