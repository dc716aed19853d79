// What ranks say to their worker, and what they hear.
#include <fmt/format.h>

#include "worker/core/worker.hpp"

namespace weft::worker {

void Worker::tell_ranks(const Held& h, const RankHearsBody& body) {
  for (const auto& [rank, talk] : h.talk)
    if (talk.connected) out_.push_back(TellRank{h.id(), rank, body});
}

void Worker::peer_ended(Held& h, const Blame& who) {
  for (const Blame& known : h.peers)
    if (known.rank == who.rank) return;
  h.peers.push_back(who);
  for (const auto& [rank, talk] : h.talk)
    if (talk.connected && rank != who.rank)
      out_.push_back(TellRank{h.id(), rank, PeerEnded{h.id(), who}});
}

void Worker::on(const RankSaid& e) {
  Held* h = held(e.attempt);
  if (h == nullptr || h->gone || !h->has_rank(e.rank)) return;
  if (const auto* m = std::get_if<RankHello>(&e.body)) return hello(*h, e.rank, *m);
  if (const auto* m = std::get_if<RankBlames>(&e.body)) return blames(*h, e.rank, *m);
  if (const auto* m = std::get_if<RankProgress>(&e.body)) return progress(*h, e.rank, *m);
}

void Worker::on(const RankHungUp& e) {
  Held* h = held(e.attempt);
  if (h == nullptr) return;
  if (const auto found = h->talk.find(e.rank); found != h->talk.end())
    found->second.connected = false;
}

// A rank's first word, also after its worker was restarted: it hears all that was said before.
void Worker::hello(Held& h, std::uint32_t rank, const RankHello& said) {
  if (said.generation != h.order.generation) {
    note(Note::Level::warn, fmt::format("attempt {}: rank {} says hello for generation {}, not {}",
                                        h.id().value, rank, said.generation, h.order.generation));
    return;
  }
  h.talk[rank].connected = true;
  if (rank == 0 && !said.address.empty()) {
    const bool news = h.seed != said.address;
    h.seed = said.address;
    h.seed_is_ours = true;
    if (news) {
      h.seed_heard = false;
      if (!h.alone()) send(MeshSeed{h.id(), h.order.generation, h.seed});
      tell_ranks(h, MeshSeed{h.id(), h.order.generation, h.seed});
      repeat_later(h);
    }
    if (!news) out_.push_back(TellRank{h.id(), rank, MeshSeed{h.id(), h.order.generation, h.seed}});
  } else if (!h.seed.empty()) {
    out_.push_back(TellRank{h.id(), rank, MeshSeed{h.id(), h.order.generation, h.seed}});
  }
  for (const Blame& who : h.peers)
    if (who.rank != rank) out_.push_back(TellRank{h.id(), rank, PeerEnded{h.id(), who}});
  if (h.stopping) out_.push_back(TellRank{h.id(), rank, h.stop});
}

void Worker::blames(Held& h, std::uint32_t rank, RankBlames report) {
  if (h.talk[rank].blames++ >= limits::blames_per_rank_max) return;
  report.attempt = h.id();
  report.reporter = rank;
  note(Note::Level::info, fmt::format("attempt {}: rank {} blames rank {}: {} {}", h.id().value,
                                      rank, report.culprit, to_string(report.code), report.detail));
  send(std::move(report));
}

void Worker::progress(Held& h, std::uint32_t rank, const RankProgress& report) {
  RankTalk& talk = h.talk[rank];
  talk.progress = report;
  talk.progress.attempt = h.id();
  talk.progress.rank = rank;
  talk.progress_waits = talk.progress_after > now_;
  if (talk.progress_waits) return;
  talk.progress_after = now_ + limits::progress_period;
  send(talk.progress);
}

}  // namespace weft::worker
