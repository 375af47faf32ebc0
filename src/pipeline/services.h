// What of the outside a worker lends to its exchanges, behind ports: app/ connects them to what is inside or to
// adapters. Each pointer outlives every exchange; nullptr: this process does not have it, and what needs it is
// refused by compile or answers as its port documents.
#pragma once

namespace weir::identity {
class Seen;
}
namespace weir::io {
class Offload;
}
namespace weir::ports {
class CredentialStore;
class KeySets;
class RateStore;
class Revocations;
class TokenCache;
}  // namespace weir::ports

namespace weir::pipeline {

class Kept;

struct Services {
  ports::CredentialStore* credentials = nullptr;  // API keys, in memory: never waits
  ports::KeySets* key_sets = nullptr;             // JWK sets, kept fresh in the background
  ports::TokenCache* tokens = nullptr;            // what other instances have verified
  ports::Revocations* revocations = nullptr;      // tokens that count no more: never waits
  ports::RateStore* rates = nullptr;              // buckets, concurrency and quotas
  identity::Seen* signatures = nullptr;           // of signed requests that were accepted; the process' own
  io::Offload* offload = nullptr;                 // threads for what computes long; the process' own
  Kept* kept = nullptr;                           // what filters remember; the worker's own, never nullptr there
};

}  // namespace weir::pipeline
