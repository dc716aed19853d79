#include "broker/shell/journal_service.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "base/assert.hpp"

namespace weft::broker {
namespace {
constexpr std::size_t asked_max = 1'024;
constexpr int asked_per_session_max = 8;  // an honest reader waits for a chunk before the next
void wake(int fd) {
  const std::uint64_t one = 1;
  (void)!write(fd, &one, sizeof one);
}
}  // namespace

JournalService::JournalService(std::unique_ptr<JournalReader> reader)
    : reader_(std::move(reader)), wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  WEFT_ASSERT(wake_fd_ >= 0, "eventfd");
  thread_ = std::thread([this] { run(); });
}

JournalService::~JournalService() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  more_.notify_one();
  thread_.join();
  close(wake_fd_);
}

void JournalService::ask(const ServeJournal& request) {
  const std::lock_guard lock(mutex_);
  const auto by = asked_by_.find(request.session);
  if (asked_.size() < asked_max && (by == asked_by_.end() || by->second < asked_per_session_max)) {
    ++asked_by_[request.session];
    asked_.push_back(request);
    more_.notify_one();
    return;
  }
  Send busy{request.session, {}};
  busy.envelope.key = request.key;
  busy.envelope.body =
      Reply{Refused{Code::broker_busy, "too many readers of the journal; ask again later"}};
  answers_.push_back(std::move(busy));
  wake(wake_fd_);
}

std::vector<Send> JournalService::take_answers() {
  std::uint64_t count = 0;
  (void)!read(wake_fd_, &count, sizeof count);
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

void JournalService::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    more_.wait(lock, [this] { return stop_ || !asked_.empty(); });
    if (stop_) return;
    const ServeJournal request = asked_.front();
    asked_.pop_front();
    lock.unlock();
    Send done{request.session, answer(request)};
    lock.lock();
    if (--asked_by_[request.session] == 0) asked_by_.erase(request.session);
    answers_.push_back(std::move(done));
    wake(wake_fd_);
  }
}

Envelope JournalService::answer(const ServeJournal& request) {
  Envelope envelope;
  envelope.key = request.key;
  auto chunk = reader_->chunk(request.from, request.lease, limits::chunk_bytes_max);
  if (chunk)
    envelope.body = Reply{std::move(*chunk)};
  else
    envelope.body = Reply{Refused{chunk.error().code, chunk.error().detail}};
  return envelope;
}

}  // namespace weft::broker
