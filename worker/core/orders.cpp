// Orders of the broker. Each may come more than once, late, or for an attempt that is long
// forgotten.
#include <fmt/format.h>

#include <algorithm>

#include "base/planted.hpp"

#include "worker/core/worker.hpp"

namespace weft::worker {

void Worker::obey(const std::monostate&) {
  note(Note::Level::warn, "an order of a kind that this build does not know was ignored");
}

void Worker::obey(const Welcome& order) {
  node_ = order.node;
  out_.push_back(SetPace{order.heartbeat, order.reconnect_max});
  note(Note::Level::info, fmt::format("joined as node {}", order.node.value));
}

// Nothing of that attempt is here: said, so that a broker never waits for what can't come.
// What was once said to be gone must stay so: a Prepare that arrives behind its Stop launches
// nothing.
void Worker::answer_unknown(AttemptId attempt) {
  never_again(attempt);
  send(AttemptGone{attempt});
}

void Worker::never_again(AttemptId attempt) {
  forgotten_.insert(attempt);
  while (forgotten_.size() > 4 * limits::attempt_logs_kept) forgotten_.erase(forgotten_.begin());
}

Result<void> Worker::acceptable(const Prepare& order) const {
  if (leaving_) return fail(Code::launch_refused, fmt::format("{} is leaving", node_name_));
  if (order.spec.run.empty()) return fail(Code::launch_refused, "run: empty; it needs a program");
  if (order.spec.ranks_per_node == 0 || order.spec.ranks_per_node > limits::ranks_per_node_max)
    return fail(Code::launch_refused,
                fmt::format("ranks_per_node: {}; 1 to {}", order.spec.ranks_per_node,
                            limits::ranks_per_node_max));
  if (order.node_index >= order.gang.size())
    return fail(Code::launch_refused,
                fmt::format("node index {} in a gang of {}", order.node_index, order.gang.size()));
  if (order.lease_left.ms <= 0) return fail(Code::launch_refused, "the lease has ended");
  // Whole nodes are rented: a second attempt beside a live one would be a node in two slices.
  for (const auto& [id, h] : held_)
    if (!h.gone)
      return fail(Code::launch_refused, fmt::format("attempt {} of lease {} still holds {}",
                                                    id.value, h.order.lease.value, node_name_));
  return {};
}

void Worker::obey(const Prepare& order) {
  if (forgotten_.contains(order.attempt)) return answer_unknown(order.attempt);
  if (Held* h = held(order.attempt)) {  // a repeat: say again what is known
    for (ReportBody& report : open_reports(*h, false)) send(std::move(report));
    return;
  }
  if (const auto ok = acceptable(order); !ok) {
    send(Prepared{order.attempt, ok.error().code, ok.error().detail});
    note(Note::Level::warn,
         fmt::format("attempt {} refused: {}", order.attempt.value, to_string(ok.error())));
    return;
  }
  held_[order.attempt].order = order;
  out_.push_back(Launch{order});
}

void Worker::obey(const Go& order) {
  Held* h = held(order.attempt);
  if (h == nullptr) return answer_unknown(order.attempt);
  if (h->gone) return send(AttemptGone{h->id()});
  if ((h->stopping || h->released || h->go_asked) && !planted(104)) return;
  h->go_asked = true;
  out_.push_back(TellHolder{h->id(), HolderGo{order.lease_left}});
  note(Note::Level::info,
       fmt::format("attempt {} of job {}: go", h->id().value, h->order.job.value));
}

void Worker::obey(const MeshSeed& order) {
  Held* h = held(order.attempt);
  if (h == nullptr) return answer_unknown(order.attempt);
  h->seed_heard = true;
  if (h->seed_is_ours) return;
  h->seed = order.address;
  tell_ranks(*h, order);
}

void Worker::obey(const PeerEnded& order) {
  if (Held* h = held(order.attempt)) peer_ended(*h, order.who);
}

void Worker::obey(const StopAttempt& order) {
  Held* h = held(order.attempt);
  if (h == nullptr) return answer_unknown(order.attempt);
  if (h->gone) {
    for (ReportBody& report : open_reports(*h, false)) send(std::move(report));
    return;
  }
  stop(*h, order);
}

// The ranks hear why first and may leave by an exception that names the culprit; then TERM, then
// KILL.
void Worker::stop(Held& h, const StopAttempt& order) {
  const bool anyone =
      std::any_of(h.talk.begin(), h.talk.end(), [](const auto& t) { return t.second.connected; });
  const Duration leave = anyone ? std::min(limits::stop_leave, order.grace) : Duration{};
  if (!h.stopping) {
    h.stopping = true;
    h.stop = order;
    tell_ranks(h, order);
    note(Note::Level::info, fmt::format("attempt {} is stopped: {} {}", h.id().value,
                                        to_string(order.cause), order.blame.detail));
  }
  out_.push_back(TellHolder{h.id(), HolderStop{leave, order.grace}});
  repeat_later(h);
}

void Worker::obey(const Forget& order) {
  Held* h = held(order.attempt);
  if (h == nullptr) return;
  if (!h->gone) {
    note(Note::Level::warn, fmt::format("told to forget attempt {}, which still runs here: ignored",
                                        order.attempt.value));
    return;
  }
  held_.erase(order.attempt);
  never_again(order.attempt);
  out_.push_back(DropAttempt{order.attempt});
}

void Worker::obey(const SignalRanks& order) {
  Held* h = held(order.attempt);
  if (h == nullptr || h->gone) return;
  out_.push_back(TellHolder{h->id(), HolderSignal{order.rank, order.signal}});
}

void Worker::obey(const FetchLog& order) { out_.push_back(ServeLog{order}); }

void Worker::obey(const Dismissed& order) {
  out_.push_back(Exit{1, to_string(Error{order.code, order.detail})});
}

}  // namespace weft::worker
