// What answers each row of routes.cc. One file for each noun: objects.cc, filters.cc, drafts.cc, revisions.cc,
// operators.cc, keys.cc, pages.cc. Blocking; an offload thread.
#pragma once

#include <functional>

#include "control/api/call.h"

namespace weir::control::api {

// objects.cc
Outcome<ApiResponse> list_objects(Call& call, StoreView& view);
Outcome<ApiResponse> get_object(Call& call, StoreView& view);
Outcome<ApiResponse> create_object(Call& call, StoreWriter& writer);
Outcome<ApiResponse> put_object(Call& call, StoreWriter& writer);
Outcome<ApiResponse> patch_object(Call& call, StoreWriter& writer);
Outcome<ApiResponse> delete_object(Call& call, StoreWriter& writer);
Outcome<ApiResponse> apply_batch(Call& call, StoreWriter& writer);

// filters.cc
Outcome<ApiResponse> list_filters(Call& call);
Outcome<ApiResponse> get_filter(Call& call);
Outcome<ApiResponse> get_attached(Call& call, StoreView& view);
Outcome<ApiResponse> attach_filter(Call& call, StoreWriter& writer);
Outcome<ApiResponse> detach_filter(Call& call, StoreWriter& writer);

// drafts.cc
Outcome<ApiResponse> get_draft(Call& call, StoreView& view);
Outcome<ApiResponse> check_draft(Call& call);
Outcome<ApiResponse> discard_draft(Call& call, StoreWriter& writer);
Outcome<ApiResponse> publish_draft(Call& call);
Outcome<ApiResponse> roll_back(Call& call);

// revisions.cc
Outcome<ApiResponse> list_revisions(Call& call, StoreView& view);
Outcome<ApiResponse> get_revision(Call& call, StoreView& view);
// The number that {number} names, `latest` too, if there is such a revision.
Outcome<std::uint64_t> revision_number(const Call& call, StoreView& view);
Outcome<ApiResponse> get_document(Call& call, StoreView& view);
Outcome<ApiResponse> get_diff(Call& call, StoreView& view);
Outcome<ApiResponse> get_status(Call& call, StoreView& view);
Outcome<ApiResponse> list_instances(Call& call);
Outcome<ApiResponse> list_audit(Call& call, StoreView& view);
Outcome<ApiResponse> verify_chain(Call& call);

// operators.cc
Outcome<ApiResponse> who_am_i(Call& call);
Outcome<ApiResponse> list_operators(Call& call, StoreView& view);
Outcome<ApiResponse> create_operator(Call& call, StoreWriter& writer);
Outcome<ApiResponse> get_operator(Call& call, StoreView& view);
Outcome<ApiResponse> patch_operator(Call& call, StoreWriter& writer);
Outcome<ApiResponse> delete_operator(Call& call, StoreWriter& writer);
Outcome<ApiResponse> create_token(Call& call, StoreWriter& writer);
Outcome<ApiResponse> delete_token(Call& call, StoreWriter& writer);
// 400 if the request has an Idempotency-Key: its answer cannot be kept.
Outcome<void> refuse_repetition(const Call& call);

// keys.cc
// The draft as the caller changes it, with the keys there are in mind.
Draft draft(Call& call, StoreWriter& writer);
Outcome<ApiResponse> list_keys(Call& call);
Outcome<ApiResponse> create_key(Call& call);
Outcome<ApiResponse> rotate_key(Call& call);
Outcome<ApiResponse> revoke_key(Call& call);

// pages.cc: on the control loop too (Way::loop and Way::pulse), so none of them blocks.
Outcome<ApiResponse> openapi(Call& call);
Outcome<ApiResponse> live(Call& call);
Outcome<ApiResponse> ready(Call& call);
Outcome<ApiResponse> metrics(Call& call);

// transaction.cc: runs `work` as one transaction, with what the request asks of it: Idempotency-Key, ?dry_run,
// ?publish; then probes whom the call's `unprobed` names. Every row whose handler takes a StoreWriter goes
// through it; publish_draft and roll_back call it themselves.
using Work = std::function<Outcome<ApiResponse>(StoreWriter&)>;
Outcome<ApiResponse> written(Call& call, const Work& work);

// What was published, as POST /v1/publish shows it.
Json to_json(const Published& published);

}  // namespace weir::control::api
