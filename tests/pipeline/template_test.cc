#include "pipeline/template.h"

#include <gtest/gtest.h>

#include "tests/pipeline/scene.h"

namespace weir::pipeline {
namespace {

using Place = Template::Place;

std::string rendered(Scene& scene, std::string_view text, Place place = Place::plain) {
  const auto parsed = Template::parse(text, {.response = true, .lines = true});
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed ? std::string(parsed->render(scene.exchange, place)) : "";
}

std::string mistake(std::string_view text, Template::Use use = {}) {
  const auto parsed = Template::parse(text, use);
  if (parsed) return "";
  return parsed.error().message + (parsed.error().hint.empty() ? "" : "; " + parsed.error().hint);
}

TEST(Template, EveryVariable) {
  Scene scene("PATCH", "/orders/7", "x=1&y");
  scene.matched().capture("id", "7").header("X-Tenant", "acme").header("User-Agent", "curl/8");
  Exchange& exchange = scene.exchange;
  exchange.request_id = "r-1";
  exchange.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  exchange.auth.identity.consumer = "alice";
  exchange.response.status = 404;
  EXPECT_EQ(rendered(scene, "${request_id} ${trace_id}"), "r-1 4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(rendered(scene, "${client_ip}"), "192.0.2.7");
  EXPECT_EQ(rendered(scene, "${scheme}://${host}${path}${query}"), "http://shop.example.com/orders/7?x=1&y");
  EXPECT_EQ(rendered(scene, "${method} ${route_id} ${revision} ${consumer} ${status}"), "PATCH order 3 alice 404");
  EXPECT_EQ(rendered(scene, "/v2/${path.id}/${header.x-tenant}/${header.USER-AGENT}"), "/v2/7/acme/curl/8");
  exchange.secure = true;
  EXPECT_EQ(rendered(scene, "${scheme}"), "https");
}

TEST(Template, WhatTheRequestDoesNotHaveIsEmpty) {
  Scene scene("GET", "/");
  EXPECT_EQ(rendered(scene, "[${request_id}${trace_id}${query}${route_id}${consumer}${path.id}${header.x}]"), "[]");
  scene.exchange.has_query = true;
  EXPECT_EQ(rendered(scene, "[${query}]"), "[?]") << "/? is another URL than /";
}

TEST(Template, TextAndDollars) {
  Scene scene;
  EXPECT_EQ(rendered(scene, ""), "");
  EXPECT_EQ(rendered(scene, "plain }{ text"), "plain }{ text");
  EXPECT_EQ(rendered(scene, "$$5 $${path} $$${path}"), "$5 ${path} $/");
  EXPECT_EQ(rendered(scene, "two\nlines"), "two\nlines");
}

TEST(Template, Mistakes) {
  EXPECT_EQ(mistake("${hots}"), "unknown variable \"${hots}\"; did you mean \"host\"?");
  EXPECT_EQ(mistake("${}"),
            "unknown variable \"${}\"; known variables: request_id, trace_id, client_ip, host, path, query, method, "
            "scheme, route_id, revision, consumer, path.NAME, header.NAME");
  EXPECT_EQ(mistake("${header.a b}"), "\"${header.a b}\" names no header: a name has letters, digits and \"-\"");
  EXPECT_EQ(mistake("a ${path"), "\"${\" has no \"}\"");
  EXPECT_EQ(mistake("cost: 5$"), "a \"$\" must begin \"${name}\"; a dollar itself is written \"$$\"");
  EXPECT_EQ(mistake("$path"), "a \"$\" must begin \"${name}\"; a dollar itself is written \"$$\"");
  EXPECT_EQ(mistake("${status}"), "\"${status}\" is known only in a response");
  EXPECT_EQ(mistake("${status}", {.response = true}), "");
  EXPECT_EQ(mistake("a\r\nb"), "must not have control characters");
  EXPECT_EQ(mistake("a\r\nb", {.lines = true}), "");
  EXPECT_EQ(mistake(std::string_view("a\0b", 3), {.lines = true}), "must not have control characters");
  std::string many;
  for (int i = 0; i < 33; ++i) many += "${path}";
  EXPECT_EQ(mistake(many), "has more than 32 parts");
}

TEST(Template, ValuesCannotLeaveTheirPlace) {
  Scene scene("GET", "/a%20b/c&d", "q=1");
  scene.capture("id", "c&d").header("X", "<a href=\"'&\\\x01\xff\xc3\xa9 /?#");
  EXPECT_EQ(rendered(scene, "<p>${header.x}</p>", Place::html),
            "<p>&lt;a href=&quot;&#39;&amp;\\\x01\xff\xc3\xa9 /?#</p>");
  EXPECT_EQ(rendered(scene, "{\"x\":\"${header.x}\"}", Place::json),
            "{\"x\":\"<a href=\\\"'&\\\\\\u0001\\ufffd\xc3\xa9 /?#\"}");
  EXPECT_EQ(rendered(scene, "/n${path}/${path.id}${query}/${header.x}", Place::location),
            "/n/a%20b/c&d/c&d?q=1/%3Ca%20href%3D%22%27%26%5C%01%FF%C3%A9%20%2F%3F%23");
  EXPECT_EQ(rendered(scene, "a b&${path}", Place::query), "a%20b%26/a%20b/c%26d");
}

TEST(Template, AViewWhereNothingHasToBeCopied) {
  Scene scene("GET", "/");
  scene.header("X-A", "some value");
  const auto parsed = Template::parse("${header.x-a}", {});
  EXPECT_EQ(parsed->render(scene.exchange).data(), scene.exchange.request.fields[0].value.data());
}

TEST(Template, TellsWhatItUses) {
  const auto parsed = Template::parse("/${path.a}/${header.h}/${path.b}", {});
  std::vector<std::string_view> captures;
  parsed->captures_used(captures);
  EXPECT_EQ(captures, (std::vector<std::string_view>{"a", "b"}));
  EXPECT_TRUE(parsed->uses(Variable::header));
  EXPECT_FALSE(parsed->uses(Variable::query));
  EXPECT_FALSE(parsed->constant());
  EXPECT_TRUE(Template::parse("$$", {})->constant());
  EXPECT_EQ(Template::parse("${scheme}://${host}:${header.p}${path}${query}", {})->sample(), "https://1:1/x");
}

}  // namespace
}  // namespace weir::pipeline
