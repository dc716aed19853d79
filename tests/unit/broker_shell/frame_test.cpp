#include "broker/shell/frame.hpp"

#include <gmock/gmock.h>

#include <cstring>

#include "broker/shell/frame_link.hpp"

#include <sys/socket.h>

namespace weft::broker {
namespace {

Blob payload_of(std::uint64_t session, std::size_t size) {
  return Blob(size, static_cast<std::uint8_t>(session));
}

TEST(Frames, ComeOutAsTheyWentInHoweverTheStreamIsCut) {
  const std::size_t sizes[] = {0, 1, 55, 56, 4'096, 300'000, 7};
  Blob stream;
  std::uint64_t session = 0;
  for (const std::size_t size : sizes) {
    FrameHeader header;
    header.kind = FrameKind::message;
    header.session = ++session;
    add_frame(stream, header, payload_of(session, size));
  }
  for (const std::size_t piece : {1'000'000UL, 65'536UL, 777UL, 13UL}) {
    FrameReader reader;
    std::uint64_t seen = 0;
    for (std::size_t at = 0; at < stream.size();) {
      const auto room = reader.room();
      const std::size_t count = std::min({piece, room.size(), stream.size() - at});
      std::memcpy(room.data(), stream.data() + at, count);
      reader.filled(count);
      at += count;
      for (auto frame = reader.next(); frame && *frame; frame = reader.next()) {
        ++seen;
        EXPECT_EQ((*frame)->header.session, seen);
        const Blob expected = payload_of(seen, sizes[seen - 1]);
        ASSERT_EQ((*frame)->payload.size(), expected.size());
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), (*frame)->payload.begin()));
      }
    }
    EXPECT_EQ(seen, std::size(sizes)) << "in pieces of " << piece;
  }
}

TEST(Frames, OneThatIsTooLongIsRefusedBeforeItsBytesAreRead) {
  FrameHeader header;
  header.length = frame_payload_max + 1;
  FrameReader reader;
  std::memcpy(reader.room().data(), &header, sizeof header);
  reader.filled(sizeof header);
  const auto frame = reader.next();
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code, Code::wire_limit);
}

TEST(Frames, SetupAndAllowListSurvivePacking) {
  GatewaySetup setup;
  setup.secret.data.fill(7);
  setup.workers = 1;
  setup.generation = 0x0102030405060708;
  setup.memory_bytes_max = 1ULL << 40;
  setup.endpoints = "tcp://127.0.0.1:0\nipc:///run/x";
  const auto back = unpack_setup(pack(setup));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->secret, setup.secret);
  EXPECT_EQ(back->workers, 1);
  EXPECT_EQ(back->generation, setup.generation);
  EXPECT_EQ(back->memory_bytes_max, setup.memory_bytes_max);
  EXPECT_EQ(back->endpoints, setup.endpoints);
  const Blob whole = pack(setup);
  EXPECT_FALSE(unpack_setup({whole.data(), 48}));

  Blob packed;
  AllowedKey key;
  key.key.data.fill(9);
  key.role = Role::worker;
  pack(packed, key);
  pack(packed, {});
  const auto keys = unpack_allowed(packed);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].key, key.key);
  EXPECT_EQ(keys[0].role, Role::worker);
}

TEST(Frames, ALinkThatIsFullKeepsWhatItWasGivenInOrder) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  FrameLink from(ends[0]), to(ends[1]);
  constexpr std::uint64_t frames = 2'000;
  for (std::uint64_t i = 1; i <= frames; ++i) {
    FrameHeader header;
    header.session = i;
    from.send(header, Blob(4'000));
  }
  ASSERT_TRUE(from.flush());
  EXPECT_GT(from.out_bytes(), 0u) << "8 MB do not fit the socket";
  std::uint64_t seen = 0;
  while (seen < frames) {
    ASSERT_TRUE(from.flush());
    ASSERT_TRUE(*to.receive());
    for (auto frame = to.next(); *frame; frame = to.next()) {
      ++seen;
      ASSERT_EQ((*frame)->header.session, seen);
    }
  }
  EXPECT_EQ(from.out_bytes(), 0u);
}

TEST(Frames, TheEndOfTheLinkShows) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  FrameLink link(ends[0]);
  EXPECT_TRUE(*link.receive()) << "nothing there is not the end";
  close(ends[1]);
  EXPECT_FALSE(*link.receive());
  link.send({}, Blob(10));
  EXPECT_FALSE(link.flush());
}

TEST(SessionNumbers, SayWhichGatewayAndWhichOfItsLives) {
  const std::uint64_t worker = session_base(false, 3) | 17, client = session_base(true, 3) | 17;
  EXPECT_NE(session_prefix(worker), session_prefix(client));
  EXPECT_NE(session_prefix(worker), session_prefix(session_base(false, 4) | 17));
  EXPECT_EQ(session_prefix(worker), session_prefix(session_base(false, 3) | 18));
}

}  // namespace
}  // namespace weft::broker
