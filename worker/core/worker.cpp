// Events of the worker, and the life of its session.
#include "worker/core/worker.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/planted.hpp"

namespace weft::worker {

Effects Worker::step(Instant now, const Event& event) {
  now_ = now;
  out_.clear();
  std::visit([this](const auto& e) { on(e); }, event);
  if (leaving_) leave_when_empty();
  return std::move(out_);
}

Instant Worker::next_timer() const {
  Instant next = leave_at_;
  for (const auto& [id, h] : held_) {
    if (linked_) next = std::min(next, h.repeat_at);
    for (const auto& [rank, talk] : h.talk)
      if (talk.progress_waits) next = std::min(next, talk.progress_after);
  }
  return next;
}

const Held* Worker::find(AttemptId attempt) const {
  const auto found = held_.find(attempt);
  return found == held_.end() ? nullptr : &found->second;
}
Held* Worker::held(AttemptId attempt) {
  const auto found = held_.find(attempt);
  return found == held_.end() ? nullptr : &found->second;
}

void Worker::send(ReportBody body) {
  if (linked_) out_.push_back(SendReport{std::move(body)});
}
void Worker::note(Note::Level level, std::string text) {
  out_.push_back(Note{level, std::move(text)});
}

void Worker::on(const Began& e) {
  epoch_ = e.epoch;
  node_name_ = e.node_name;
  inventory_ = e.inventory;
  forgotten_.insert(e.forgotten.begin(), e.forgotten.end());
}

void Worker::on(const Adopted& e) {
  Held& h = held_[e.order.attempt];
  h.order = e.order;
}

void Worker::on(const LinkUp&) {
  linked_ = true;
  Join join{node_name_, epoch_, inventory_, {}};
  for (const auto& [id, h] : held_) join.holdings.push_back(to_holding(h));
  send(std::move(join));
  for (auto& [id, h] : held_) {
    for (ReportBody& report : open_reports(h, true)) send(std::move(report));
    h.repeat_after = limits::report_repeat;
    repeat_later(h);
  }
}

void Worker::on(const LinkDown&) { linked_ = false; }
void Worker::on(const ProbeSaid& e) { send(e.body); }

void Worker::on(const OrderCame& e) {
  if ((e.epoch < epoch_ && !planted(101)) || !e.epoch) {
    note(Note::Level::warn,
         fmt::format("refused an order of epoch {}: epoch {} has been seen, so another "
                     "broker has taken over",
                     e.epoch.value, epoch_.value));
    send(Fenced{epoch_});
    return;
  }
  if (e.epoch > epoch_) {
    epoch_ = e.epoch;
    out_.push_back(StoreEpoch{epoch_});
  }
  std::visit([this](const auto& order) { obey(order); }, e.body);
}

void Worker::on(const HolderTold& e) {
  Held* h = held(e.attempt);
  if (h == nullptr) return;
  const bool first = !h->known || (!h->prepared && h->code == Code::none);
  h->known = true;
  h->prepared = e.prepared;
  h->code = e.code;
  h->detail = e.detail;
  h->released = h->released || e.released;
  if (first && !h->stopping && !h->released && (h->prepared || h->code != Code::none)) {
    send(Prepared{h->id(), h->code, h->detail});
    if (h->code != Code::none)
      note(Note::Level::warn, fmt::format("attempt {} can't start here: {}", h->id().value,
                                          to_string(Error{h->code, h->detail})));
  }
  report_ends(*h, e.ended);
  if (e.gone && !h->gone) {
    h->gone = true;
    send(AttemptGone{h->id()});
    note(Note::Level::info, fmt::format("attempt {} is gone", h->id().value));
  }
  repeat_later(*h);
}

void Worker::report_ends(Held& h, const std::vector<RankEnd>& ended) {
  for (const RankEnd& end : ended) {
    if (!h.ended.emplace(end.rank, end).second) continue;
    send(RankGone{h.id(), end});
    // Neighbours on this node hear it at once, not by way of the broker.
    if (h.released) peer_ended(h, blame_of(end, node_name_, node_));
    note(Note::Level::info,
         fmt::format("attempt {}: {}", h.id().value, blame_of(end, node_name_, node_).detail));
  }
}

void Worker::repeat_later(Held& h) {
  h.repeat_at = open_reports(h, false).empty() ? never : now_ + h.repeat_after;
}

void Worker::on(const TimePassed&) {
  for (auto& [id, h] : held_) {
    if (linked_ && h.repeat_at <= now_) {
      for (ReportBody& report : open_reports(h, false)) send(std::move(report));
      h.repeat_after = std::min(h.repeat_after * 2, limits::report_repeat_max);
      repeat_later(h);
    }
    for (auto& [rank, talk] : h.talk) {
      if (!talk.progress_waits || talk.progress_after > now_) continue;
      talk.progress_waits = false;
      talk.progress_after = now_ + limits::progress_period;
      send(talk.progress);
    }
  }
}

void Worker::on(const LeaveAsked&) {
  if (leaving_) return;
  leaving_ = true;
  note(Note::Level::info, "told to leave: stopping what runs here");
  for (auto& [id, h] : held_) {
    if (h.gone || h.stopping) continue;
    StopAttempt order{id, Cause::node_lost, {}, limits::stop_grace};
    order.blame.code = Code::worker_lost;
    order.blame.rank = h.first_rank();
    order.blame.node = node_;
    order.blame.node_name = node_name_;
    order.blame.detail = fmt::format("the worker of {} was told to leave", node_name_);
    stop(h, order);
  }
}

// Exit once nothing runs here and the broker has acknowledged it, or a second after the last end.
void Worker::leave_when_empty() {
  const bool running =
      std::any_of(held_.begin(), held_.end(), [](const auto& h) { return !h.second.gone; });
  if (running) return;
  if (leave_at_ == never) leave_at_ = linked_ && !held_.empty() ? now_ + seconds(1) : now_;
  if (held_.empty() || leave_at_ <= now_) out_.push_back(Exit{0, "left in order"});
}

}  // namespace weft::worker
