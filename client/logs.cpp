#include "client/logs.hpp"

namespace weft::client {
namespace {

constexpr Duration long_poll = seconds(20);

}  // namespace

LogFollower::LogFollower(Client& client, What what, Sink sink)
    : client_(client), what_(std::move(what)), sink_(std::move(sink)) {
  for (const std::uint32_t rank : what_.ranks)
    for (const bool errors : {false, true})
      streams_.push_back({.rank = rank, .errors = errors, .key = {}});
  open_ = streams_.size();
  for (Stream& stream : streams_) ask(stream);
}

LogFollower::~LogFollower() {
  for (const Stream& stream : streams_)
    if (!stream.ended) client_.drop(stream.key);
}

void LogFollower::ask(Stream& stream) {
  ReadLog request;
  request.job = what_.job;
  request.attempt = what_.attempt;
  request.rank = stream.rank;
  request.errors = stream.errors;
  request.offset = stream.offset;
  request.wait = what_.follow ? long_poll : Duration{};
  stream.key =
      client_.start(std::move(request), {.key = {}, .timeout = no_deadline},
                    [this, &stream](Result<ReplyBody> reply) { take(stream, std::move(reply)); });
}

void LogFollower::take(Stream& stream, Result<ReplyBody> reply) {
  LogChunk* chunk = reply ? std::get_if<LogChunk>(&*reply) : nullptr;
  if (chunk == nullptr) {
    if (error_.code == Code::none)
      error_ = reply ? Error{Code::wire_unknown, "the broker did not answer with log_chunk"}
                     : reply.error();
    return end(stream);
  }
  if (!chunk->data.empty()) sink_(stream.rank, stream.errors, chunk->data);
  const bool idle = chunk->data.empty() && !what_.follow;
  stream.offset = chunk->next;
  if (chunk->end || idle) return end(stream);
  ask(stream);
}

void LogFollower::end(Stream& stream) {
  stream.ended = true;
  --open_;
}

}  // namespace weft::client
