// `weir routes`: the routes of a file in the order they are tried, or which one takes a request and why.
#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "app/commands/commands.h"
#include "app/explain/route_book.h"
#include "app/explain/route_match.h"
#include "app/host/config_source.h"
#include "snapshot/compile/compile.h"

namespace weir::app {
namespace {

using explain::RouteBook;

// Left-aligned columns as wide as their widest cell; the last one is open.
class Table {
 public:
  using Row = std::array<std::string, 5>;

  void add(Row row) {
    for (std::size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], row[i].size());
    rows_.push_back(std::move(row));
  }

  std::string text() const {
    std::string out;
    for (const Row& row : rows_) {
      for (std::size_t i = 0; i + 1 < row.size(); ++i) out += fmt::format("{:<{}}  ", row[i], widths_[i]);
      out += row.back() + "\n";
    }
    return out;
  }

 private:
  std::vector<Row> rows_;
  std::array<std::size_t, 5> widths_{};
};

std::string list_text(const RouteBook& book) {
  Table table;
  table.add({"ROUTE", "HOSTS", "PATH PATTERN", "METHODS", "GOES TO"});
  for (const std::size_t index : explain::by_precedence(book)) {
    const snapshot::RouteKey& key = book.keys[index];
    const pipeline::Route& route = book.snapshot->routes[index];
    std::string pattern = key.path_pattern;
    if (!key.predicates.empty()) pattern += fmt::format(" [{}]", explain::predicates_text(key));
    if (key.priority != 0) pattern += fmt::format(" (priority {})", key.priority);
    table.add({key.id, explain::join(key.hosts, ",", "any"), std::move(pattern),
               explain::join(key.methods, ",", "any"), explain::destination_text(book, route)});
  }
  return table.text();
}

Json list_json(const RouteBook& book) {
  Json out = Json::array();
  for (const std::size_t index : explain::by_precedence(book)) out.push(explain::to_json(book, index));
  return out;
}

}  // namespace

int routes(const RoutesOptions& options, pipeline::FilterTable filters) {
  auto asked = explain::parse_asked(options.match, options.host, options.headers);
  const bool lists = options.match.empty();
  if (lists && (!options.host.empty() || !options.headers.empty() || !options.consumer.empty())) {
    fmt::print(stderr, "weir routes: --host, -H and --consumer describe a request: add --match 'GET /path'\n");
    return kUsage;
  }
  if (!lists && !asked) {
    fmt::print(stderr, "weir routes: {}\nTry: weir routes --help\n", asked.error());
    return kUsage;
  }
  if (asked) asked->consumer = options.consumer;
  const auto source = find_config(options.config, "routes");
  if (!source) return kUsage;
  const auto document = source->load();
  if (!document) return print({document.error()}, *source), kProblems;
  auto compiled = snapshot::compile(*document, {.filters = filters, .base_dir = source->base_dir});
  if (!compiled) return print(compiled.error(), *source), kProblems;

  const RouteBook book = explain::make_route_book(*document, std::move(*compiled), filters);
  if (lists) {
    fmt::print("{}{}", options.json ? to_pretty(list_json(book)) : list_text(book), options.json ? "\n" : "");
    return kOk;
  }
  const explain::MatchReport report = explain::report_match(book, *asked);
  fmt::print("{}{}", options.json ? to_pretty(report.json) : report.text, options.json ? "\n" : "");
  return report.found ? kOk : kProblems;
}

}  // namespace weir::app
