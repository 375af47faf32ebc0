// Lists for people: columns as wide as their widest cell, the last one open. Pure.
#pragma once

#include <string>
#include <vector>

namespace weir::remote {

class Table {
 public:
  explicit Table(std::vector<std::string> head) { add(std::move(head)); }
  void add(std::vector<std::string> row);  // as many cells as the head
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> widths_;  // in characters
};

}  // namespace weir::remote
