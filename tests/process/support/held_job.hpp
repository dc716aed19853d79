// A job that is accepted and never placed: what submissions leave behind can be counted.
#pragma once
#include <string>

#include "schemas/client.hpp"

namespace weft::test {

inline SubmitJob held_job(const std::string& name) {
  SubmitJob submit;
  submit.hold = true;
  submit.spec.name = name;
  submit.spec.time = minutes(1);
  submit.spec.backend = "none";
  submit.spec.run = {"true"};
  submit.spec.workdir = "/";
  return submit;
}

}  // namespace weft::test
