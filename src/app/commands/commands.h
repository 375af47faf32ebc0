// The subcommands of `weir`, one file each, and what the command line may ask of them. Each prints for people on
// standard output, complaints on standard error, and returns the exit code of the process. `serve` has its own
// header.
#pragma once

#include <string>
#include <vector>

#include "app/host/exit_code.h"
#include "pipeline/filter.h"

namespace weir::app {

struct CheckOptions {
  std::vector<std::string> files;  // "-": standard input; empty: ./weir.yaml
  bool verbose = false;
};
int check(const CheckOptions& options, pipeline::FilterTable filters);

struct SchemaOptions {};
int schema(const SchemaOptions& options, pipeline::FilterTable filters);

struct RoutesOptions {
  std::string config;                // empty: ./weir.yaml
  std::string match;                 // "GET /path?query", or "GET http://host/path"; empty: list all routes
  std::string host;                  // of the request
  std::string consumer;              // who calls; empty: nobody known
  std::vector<std::string> headers;  // of the request, "name: value"
  bool json = false;
};
int routes(const RoutesOptions& options, pipeline::FilterTable filters);

struct VersionOptions {};
int version(const VersionOptions& options);

}  // namespace weir::app
