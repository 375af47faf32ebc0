#include "http/response_writer.h"

namespace weir::http {

std::string_view status_phrase(int status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 102:
      return "Processing";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return {};
  }
}

namespace {

void status_line(Gather& out, int status) {
  if (status == 200) {  // nearly every response
    out.text("HTTP/1.1 200 OK\r\n");
    return;
  }
  char line[] = "HTTP/1.1 000 ";
  line[9] = static_cast<char>('0' + status / 100 % 10);
  line[10] = static_cast<char>('0' + status / 10 % 10);
  line[11] = static_cast<char>('0' + status % 10);
  out.text({line, sizeof line - 1});
  out.text(status_phrase(status));
  out.text("\r\n");
}

// Said by the writer itself and never copied from elsewhere.
bool framing_field(FieldName id) noexcept {
  return id == FieldName::content_length || id == FieldName::transfer_encoding || id == FieldName::connection ||
         id == FieldName::keep_alive;
}

}  // namespace

void ResponseWriter::for_request(const RequestHead& request, bool keep_alive, const bool& ending) noexcept {
  ending_ = &ending;
  version_ = request.version;
  head_request_ = request.method == Method::head;
  keep_alive_ = keep_alive;
}

io::Task<Result<void>> ResponseWriter::inform(int status, const Fields& fields) {
  if (version_ == Version::http10 || begun_) co_return Result<void>{};
  status_line(out_, status);
  for (const Field& field : fields)
    if (!framing_field(field.id) && field.id != FieldName::upgrade) out_.field(field.name, field.value);
  out_.text("\r\n");
  co_return co_await flush();
}

void ResponseWriter::framing(const ResponseHead& head) {
  no_body_ = head_request_ || status_ == 204 || status_ == 304 || status_ < 200;
  if (status_ == 101) {
    out_.text("Connection: upgrade\r\n");
    return;
  }
  bool by_length = head.framing == Framing::length || (head.framing == Framing::none && !no_body_);
  if (by_length && status_ != 204) {
    out_.text("Content-Length: ");
    out_.number(head.framing == Framing::length ? head.content_length : 0);
    out_.text("\r\n");
  }
  // HEAD and 304 tell the length of what GET would have brought (RFC 9110 §8.6).
  if (no_body_ && !by_length && status_ != 204 && head.content_length != 0) {
    out_.text("Content-Length: ");
    out_.number(head.content_length);
    out_.text("\r\n");
  }
  if (by_length && !no_body_) {
    by_length_ = true;
    declared_ = head.framing == Framing::length ? head.content_length : 0;
  } else if (!no_body_) {
    if (version_ == Version::http11) {
      chunked_ = true;
      out_.text("Transfer-Encoding: chunked\r\n");
    } else {
      keep_alive_ = false;  // the end of the connection is the end of the body
    }
  }
  if (!keep_alive_)
    out_.text("Connection: close\r\n");
  else if (version_ == Version::http10)
    out_.text("Connection: keep-alive\r\n");
}

void ResponseWriter::begin(const ResponseHead& head) {
  begun_ = true;
  status_ = head.status;
  if (ending_ && *ending_) keep_alive_ = false;
  status_line(out_, status_);
  for (const Field& field : head.fields)
    if (!framing_field(field.id)) out_.field(field.name, field.value);
  framing(head);
  out_.text("\r\n");
}

void ResponseWriter::add(std::string_view data) {
  if (no_body_ || data.empty()) return;
  body_bytes_ += data.size();
  if (!chunked_) {
    out_.body(data);
    return;
  }
  out_.chunk_size(data.size());
  out_.body(data);
  out_.text("\r\n");
}

void ResponseWriter::end(const Fields* trailers) {
  if (chunked_) {
    out_.text("0\r\n");
    if (trailers)
      for (const Field& field : *trailers) out_.field(field.name, field.value);
    out_.text("\r\n");
  }
  ended_ = !by_length_ || body_bytes_ == declared_;
}

io::Task<Result<void>> ResponseWriter::flush() {
  if (out_.overflown()) {
    ended_ = false;
    co_return fail(Reason::internal, "the response head is too large");
  }
  io::IoResult result = co_await out_.write(stream_, stall_);
  out_.sent();
  if (result.status == io::IoStatus::ok) co_return Result<void>{};
  ended_ = false;
  keep_alive_ = false;
  co_return fail(result.status == io::IoStatus::timed_out ? Reason::client_slow : Reason::client_closed);
}

}  // namespace weir::http
