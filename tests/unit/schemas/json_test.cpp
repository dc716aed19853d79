#include "schemas/json.hpp"

#include <gtest/gtest.h>

#include "tests/compat/random_value.hpp"

namespace weft {
namespace {

TEST(Json, ShowsNamesWordsAndPlainNumbers) {
  JobLine line;
  line.job = {42};
  line.job_name = "a \"quoted\" name";
  line.state = JobState::running;
  line.submitted_at = {1'500};
  EXPECT_EQ(
      to_json(line).dump(),
      R"({"job":42,"job_name":"a \"quoted\" name","account":"","state":"running","nodes":0,"ranks":0,)"
      R"("attempts":0,"submitted_at":1500,"started_at":0,"ended_at":0,"exit_code":0,"note":""})");
  KeyEntry key;
  key.role = Role::operator_;
  EXPECT_EQ(to_json(key)["role"], "operator");
  EXPECT_EQ(to_json(key)["principal"], std::string(64, '0'));
  Blame blame;
  blame.code = Code::peer_left;
  EXPECT_EQ(to_json(blame)["code"], "peer.left");
}

TEST(Json, AChoiceIsAnObjectWithTheArmsName) {
  const Request request{CancelJob{{7}}};
  EXPECT_EQ(to_json(request).dump(), R"({"cancel_job":{"job":7}})");
}

TEST(Json, EveryMessageCanBeShown) {
  test::for_each_message(5, [](const std::string& kind, const Envelope& value) {
    const Json json = to_json(value);
    EXPECT_EQ(Json::parse(json.dump()), json) << kind;
    EXPECT_EQ(json["protocol"], protocol_version);
  });
}

}  // namespace
}  // namespace weft
