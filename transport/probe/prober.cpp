#include "transport/probe/prober.hpp"

#include <algorithm>
#include <chrono>

namespace weft::transport {
namespace {

constexpr std::uint32_t pings_max = 20;
constexpr std::uint32_t window = 4;      // chunks under way
constexpr std::uint32_t chunks_min = 6;  // of a measure, however slow the link
constexpr std::size_t chunk_min = 16 << 10, chunk_max = 1 << 20, eager_max = 64 << 10;
constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t quick = 2 * ms;       // acknowledged so fast, chunks may be larger
constexpr std::int64_t ask_again = 10 * ms;  // the peer may not have begun yet
constexpr std::int64_t ping_time = 10 * ms;  // of all pings, after the first answer
constexpr std::int64_t turn_patience = 300 * ms;
constexpr std::uint32_t nobody = UINT32_MAX;

std::int64_t clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Result<std::unique_ptr<Prober>> Prober::open(std::uint32_t nodes, const std::string& interface) {
  std::unique_ptr<Prober> out(new Prober);
  auto network = Network::open(*out, nodes, "weft-probe", interface);
  if (!network) return tl::make_unexpected(network.error());
  out->network_ = std::move(*network);
  out->nodes_ = nodes;
  out->data_.resize(chunk_max);
  return out;
}

Result<void> Prober::begin(ProbeRun run) {
  now_ = clock_ns();
  for (const ProbePeer& peer : run.peers)
    if (auto connected = network_->connect(peer.index, peer.address); !connected) return connected;
  run_ = std::move(run);
  measures_.clear();
  for (const std::uint32_t to : run_.to) measures_.push_back({run_.index, to, 0, 0});
  turn_ = 0;
  told_ = false;
  begin_turn();
  return {};
}

Header Prober::header_for_turn() const {
  Header header;
  header.channel = Channel::data;
  header.generation = run_.run;
  header.sequence = static_cast<std::uint32_t>(turn_);
  header.source = run_.index;
  header.root = static_cast<std::uint32_t>(run_.each.ms);
  return header;
}

void Prober::say(std::uint32_t to, Word word, const Header& about, std::uint64_t count) {
  Header header = about;
  header.source = run_.index;
  header.message = static_cast<std::uint64_t>(word);
  header.count = count;
  network_->post(to, header, {});
}

void Prober::begin_turn() {
  if (!running()) return;
  turn_began_ = now_;
  to_ = measure().to;
  pings_ = acked_ = in_flight_ = quick_ = 0;
  chunk_ = chunk_min;
  sent_at_.clear();
  phase_ = Phase::done;
  if (to_ == nobody) return;
  if (turn_ < run_.to.size()) {
    phase_ = Phase::ping;
    return send_ping();
  }
  if (measure().latency_ns == 0) return;  // it answers nothing
  phase_ = Phase::stream;
  stream_began_ = now_;
  send_chunks();
}

void Prober::send_ping() {
  asked_ = now_;
  say(to_, Word::ping, header_for_turn(), 0);
}

void Prober::send_chunks() {
  while (in_flight_ < window) {
    Transfer& transfer = sending_.emplace_back();
    transfer.header = header_for_turn();
    transfer.header.message = static_cast<std::uint64_t>(Word::chunk);
    ++in_flight_;
    sent_at_.push_back(now_);
    network_->send(to_, transfer, data_.data(), chunk_, chunk_ <= eager_max);
    if (transfer.failed) return;
  }
}

bool Prober::mine(const Header& h) const {
  return running() && h.generation == run_.run && h.sequence == turn_ && h.source == to_;
}

// Of the peer that this turn is about.
void Prober::answered(const Header& h) {
  switch (static_cast<Word>(h.message)) {
    case Word::pong: {
      if (phase_ != Phase::ping) return;
      const auto half = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ - asked_, 2) / 2);
      auto& best = measure().latency_ns;
      if (pings_ == 0) first_pong_ = now_;
      // The first one also set the connection up.
      if (pings_ == 0 || best == first_half_ || half < best) best = half;
      if (pings_ == 0) first_half_ = half;
      if (++pings_ <= pings_max && now_ - first_pong_ < ping_time) return send_ping();
      phase_ = Phase::end;
      return say(to_, Word::end, header_for_turn(), 0);
    }
    case Word::ack: {
      if (phase_ != Phase::stream || sent_at_.empty()) return;
      quick_ = now_ - sent_at_.front() < quick ? quick_ + 1 : 0;
      sent_at_.pop_front();
      --in_flight_;
      ++acked_;
      if (quick_ >= window && chunk_ < chunk_max) {
        chunk_ *= 2;
        quick_ = 0;
      }
      const bool over = now_ - stream_began_ >= run_.each.ms * ms && acked_ >= chunks_min;
      if (!over) return send_chunks();
      if (in_flight_ > 0) return;
      phase_ = Phase::end;
      return say(to_, Word::end, header_for_turn(), 0);
    }
    case Word::result:
      if (phase_ != Phase::end) return;
      if (turn_ >= run_.to.size()) measure().bandwidth_bps = h.count;
      phase_ = Phase::done;
      return;
    default: return;
  }
}

void Prober::heard_chunk(const Header& h, std::size_t bytes) {
  Hearing& hearing = heard_[h.source];
  if (hearing.run != h.generation || hearing.turn != h.sequence || hearing.first == 0) {
    hearing = {h.generation, h.sequence, now_, 0, now_, 0, 0};
  } else {
    hearing.last = now_;
    hearing.all += bytes;
    // What the link's own buffers let through at once at first is not counted.
    if (hearing.from != 0)
      hearing.counted += bytes;
    else if (now_ - hearing.first >= std::int64_t{h.root} * ms / 4)
      hearing.from = now_;
  }
  say(h.source, Word::ack, h, bytes);
}

std::uint64_t Prober::heard_bps(std::uint32_t source) const {
  const auto it = heard_.find(source);
  if (it == heard_.end()) return 0;
  const Hearing& h = it->second;
  const bool part = h.counted > 0 && h.last > h.from;
  const std::int64_t time = h.last - (part ? h.from : h.first);
  if (time <= 0) return 0;
  const double bits = 8.0 * static_cast<double>(part ? h.counted : h.all);
  return static_cast<std::uint64_t>(bits * 1e9 / static_cast<double>(time));
}

Verdict Prober::arrived(const Arrival& arrival) {
  now_ = clock_ns();  // many may arrive in one step
  const Header& h = arrival.header;
  if (h.source >= nodes_) return Verdict::taken;  // none of this slice
  switch (static_cast<Word>(h.message)) {
    case Word::ping: say(h.source, Word::pong, h, 0); break;
    case Word::chunk: {
      if (!arrival.rendezvous) {
        heard_chunk(h, arrival.bytes);
        break;
      }
      Fetch& fetch = fetching_.emplace_back();
      fetch.header = h;
      fetch.bytes = std::min(arrival.bytes, data_.size());
      network_->fetch(arrival.data, data_.data(), fetch.bytes, fetch.transfer);
      return Verdict::kept;
    }
    case Word::end:
      ended_.insert({h.generation, h.sequence});
      say(h.source, Word::result, h, heard_bps(h.source));
      break;
    case Word::pong:
    case Word::ack:
    case Word::result:
      if (mine(h)) answered(h);
      break;
    default: break;
  }
  return Verdict::taken;
}

void Prober::peer_failed(std::uint32_t rank, const char*) {
  if (running() && rank == to_) phase_ = Phase::done;  // with what was measured so far
}

bool Prober::step() {
  now_ = clock_ns();
  bool moved = network_->progress() > 0;
  std::erase_if(sending_, [](const Transfer& t) { return t.done; });
  for (auto it = fetching_.begin(); it != fetching_.end();) {
    if (!it->transfer.done) {
      ++it;
      continue;
    }
    if (!it->transfer.failed) heard_chunk(it->header, it->bytes);
    it = fetching_.erase(it);
    moved = true;
  }
  if (!running()) return moved;
  if (phase_ == Phase::ping && pings_ == 0 && now_ - asked_ >= ask_again) send_ping();
  const std::int64_t limit = turn_patience + 3 * run_.each.ms * ms;
  if (phase_ != Phase::done && now_ - turn_began_ >= limit) phase_ = Phase::done;
  if (phase_ != Phase::done) return moved;
  // In step with who measures us, so that turns do not meet each other on the links.
  const auto turn = static_cast<std::uint32_t>(turn_);
  const bool heard =
      run_.from[turn_ % run_.from.size()] == nobody || ended_.contains({run_.run, turn});
  if (!heard && now_ - turn_began_ < 2 * limit) return moved;
  ++turn_;
  begin_turn();
  return true;
}

std::optional<ProbeDone> Prober::take_done() {
  if (running() || told_) return {};
  told_ = true;
  return ProbeDone{run_.ticket, run_.run, measures_};
}

}  // namespace weft::transport
