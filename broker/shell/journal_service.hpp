// Answers those who read the journal, in a thread of its own: a long read delays neither the core
// nor a commit. Reads only what is durable.
// Owns: the reader and the thread. Thread: all calls from the loop's.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "broker/core/event.hpp"
#include "broker/shell/store.hpp"

namespace weft::broker {

class JournalService {
 public:
  explicit JournalService(std::unique_ptr<JournalReader> reader);
  ~JournalService();
  JournalService(const JournalService&) = delete;
  JournalService& operator=(const JournalService&) = delete;

  // Above a bound, of all and of one session, the answer is broker.busy.
  void ask(const ServeJournal& request);
  int wake_fd() const { return wake_fd_; }
  std::vector<Send> take_answers();

 private:
  void run();
  Envelope answer(const ServeJournal& request);

  std::unique_ptr<JournalReader> reader_;
  const int wake_fd_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<ServeJournal> asked_;
  std::map<SessionId, int> asked_by_;  // of asked_ and the one in work
  std::vector<Send> answers_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace weft::broker
