// Field names as numbers, and the list of fields.
#include "http/message/fields.h"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

#include "http/message/message.h"

namespace weir::http {
namespace {

std::string listing(const Fields& fields) {
  std::string out;
  for (const Field& field : fields) out.append(field.name).append("=").append(field.value).append(";");
  return out;
}

TEST(FieldName, KnowsItsOwnSpellingInAnyCase) {
  for (int i = 1; i <= static_cast<int>(FieldName::x_request_id); ++i) {
    const auto id = static_cast<FieldName>(i);
    std::string name(text(id));
    ASSERT_FALSE(name.empty()) << i;
    EXPECT_EQ(field_name(name), id) << name;
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(field_name(name), id) << name;
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(field_name(name), id) << name;
  }
}

TEST(FieldName, OneChangedByteIsAnotherName) {
  for (int i = 1; i <= static_cast<int>(FieldName::x_request_id); ++i) {
    const std::string name(text(static_cast<FieldName>(i)));
    for (std::size_t at = 0; at < name.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        if (std::tolower(byte) == std::tolower(static_cast<unsigned char>(name[at]))) continue;
        std::string changed = name;
        changed[at] = static_cast<char>(byte);
        // A changed byte may spell another known name (none does today), but never this one.
        EXPECT_EQ(field_name(changed), FieldName::other) << changed;
      }
    }
    EXPECT_EQ(field_name(name + "x"), FieldName::other);
    EXPECT_EQ(field_name(name.substr(1)), FieldName::other);
  }
  EXPECT_EQ(field_name(""), FieldName::other);
  EXPECT_TRUE(text(FieldName::other).empty());
}

TEST(FieldName, CaseIsTheOnlyThingIgnored) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const bool same = a == b || (a < 128 && b < 128 && std::isalpha(a) && std::isalpha(b) && (a ^ b) == 0x20);
      for (const std::size_t size : {1UZ, 3UZ, 4UZ, 7UZ, 8UZ, 13UZ}) {
        std::string x(size, 'q');
        std::string y(size, 'Q');
        x.back() = static_cast<char>(a);
        y.back() = static_cast<char>(b);
        ASSERT_EQ(equal_ignoring_case(x, y), same) << a << " " << b << " " << size;
      }
    }
  }
  EXPECT_FALSE(equal_ignoring_case("abc", "abcd"));
  EXPECT_TRUE(equal_ignoring_case("", ""));
}

TEST(Fields, FindsTheFirstByNumberAndByText) {
  Fields fields;
  fields.append("X-Role", "a");
  fields.append("host", "h");
  fields.append("x-role", "b");
  ASSERT_NE(fields.find("X-ROLE"), nullptr);
  EXPECT_EQ(fields.find("X-ROLE")->value, "a");
  EXPECT_EQ(fields.value(FieldName::host), "h");
  EXPECT_EQ(fields.find("HOST"), fields.find(FieldName::host));
  EXPECT_EQ(fields.find("x-rol"), nullptr);
  EXPECT_EQ(fields.find(FieldName::via), nullptr);
  EXPECT_EQ(fields.value(FieldName::via), "");
}

TEST(Fields, SetLeavesExactlyOne) {
  Fields fields;
  fields.append("a", "1");
  fields.append("X-Role", "one");
  fields.append("b", "2");
  fields.append("x-role", "two");
  fields.set("x-ROLE", "new");
  EXPECT_EQ(listing(fields), "a=1;x-ROLE=new;b=2;");
  fields.set(FieldName::via, "1.1 weir");
  fields.set(FieldName::via, "1.1 other");
  EXPECT_EQ(listing(fields), "a=1;x-ROLE=new;b=2;Via=1.1 other;");
}

TEST(Fields, RemoveSaysHowMany) {
  Fields fields;
  fields.append("Te", "trailers");
  fields.append("x", "1");
  fields.append("X", "2");
  EXPECT_EQ(fields.remove("x"), 2U);
  EXPECT_EQ(fields.remove("x"), 0U);
  EXPECT_EQ(fields.remove(FieldName::te), 1U);
  EXPECT_EQ(fields.size(), 0U);
}

TEST(Fields, RenameKeepsOrderAndValues) {
  Fields fields;
  fields.append("x-a", "1");
  fields.append("b", "2");
  fields.append("X-A", "3");
  fields.rename("x-a", "Host");
  EXPECT_EQ(listing(fields), "Host=1;b=2;Host=3;");
  EXPECT_EQ(fields[0].id, FieldName::host);
  fields.rename("host", "y");
  EXPECT_EQ(fields[2].id, FieldName::other);
  EXPECT_EQ(listing(fields), "y=1;b=2;y=3;");
}

TEST(Method, IsCaseSensitive) {
  EXPECT_EQ(method_of("GET"), Method::get);
  EXPECT_EQ(method_of("HEAD"), Method::head);
  EXPECT_EQ(method_of("POST"), Method::post);
  EXPECT_EQ(method_of("PUT"), Method::put);
  EXPECT_EQ(method_of("DELETE"), Method::delete_);
  EXPECT_EQ(method_of("PATCH"), Method::patch);
  EXPECT_EQ(method_of("OPTIONS"), Method::options);
  EXPECT_EQ(method_of("TRACE"), Method::trace);
  EXPECT_EQ(method_of("CONNECT"), Method::connect);
  for (const char* text : {"get", "Get", "", "GETX", "PROPFIND", "HEAp"}) EXPECT_EQ(method_of(text), Method::other);
}

}  // namespace
}  // namespace weir::http
