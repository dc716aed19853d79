#include "broker/shell/fair_queue.hpp"

#include <gmock/gmock.h>

namespace weft::broker {
namespace {

Event message(std::uint64_t session, std::uint8_t number, std::size_t size = 8) {
  MessageCame came;
  came.session = {session};
  came.raw.assign(size, number);
  return came;
}
std::string all(FairQueue& queue) {
  std::string order;
  while (const auto event = queue.next()) {
    if (const auto* came = std::get_if<MessageCame>(&*event))
      order += std::to_string(came->session.value) + static_cast<char>('a' + came->raw[0]) + ' ';
    else
      order += std::to_string(std::get<SessionClosed>(*event).session.value) + "- ";
  }
  return order;
}

TEST(FairQueue, OneWithManyDelaysTheOthersByOne) {
  FairQueue queue;
  for (std::uint8_t i = 0; i < 4; ++i) queue.add({1}, message(1, i));
  queue.add({2}, message(2, 0));
  queue.add({3}, message(3, 0));
  queue.add({3}, message(3, 1));
  EXPECT_EQ(all(queue), "1a 2a 3a 1b 3b 1c 1d ");
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, AClosingComesAfterWhatWasSaidBefore) {
  FairQueue queue;
  queue.add({1}, message(1, 0));
  queue.add({1}, message(1, 1));
  queue.add({1}, SessionClosed{{1}});
  queue.add({2}, message(2, 0));
  EXPECT_EQ(all(queue), "1a 2a 1b 1- ");
}

TEST(FairQueue, DroppedSessionsSayNothingMoreAndTakeNoRoom) {
  FairQueue queue;
  for (int i = 0; i < 70; ++i) queue.add({1}, message(1, 0, 1 << 20));
  EXPECT_TRUE(queue.full());
  queue.add({2}, message(2, 0));
  queue.drop({{1}, {9}});
  EXPECT_FALSE(queue.full());
  queue.add({1}, message(1, 5));
  EXPECT_EQ(all(queue), "1f 2a ");
  EXPECT_FALSE(queue.next());
}

}  // namespace
}  // namespace weft::broker
