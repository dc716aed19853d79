// Who uses the simulated weft: its operator, owners of nodes, customers, and those who should not
// be let in.
#pragma once
#include <set>

#include "tests/sim/client.hpp"

namespace weft::sim {

class Operator : public Client {
 public:
  explicit Operator(World& world);
  void enroll_all();  // keys of everybody, money for the customers
  void act() override;
  void settle() override;

 private:
  void enroll(std::uint32_t number, Role role, const std::string& name, const std::string& account);
};

class Seller : public Client {
 public:
  Seller(World& world, int number);
  void act() override;
  void settle() override;

 private:
  void put(std::vector<std::string> nodes, Price floor, Duration notice);
  std::set<OfferId> offers_;
};

class Customer : public Client {
 public:
  Customer(World& world, int number);
  void act() override;
  void settle() override;
  void verify() override;
  [[nodiscard]] JobSpec spec();

 private:
  void submit();
  void cancel();
  void look();
  void quote();
  void answer(const Quote& quote);
  void accept(QuoteId quote);
  void release();
  void trespass();
  std::vector<JobId> jobs_;
  std::set<LeaseId> leases_;
  int number_;
};

class Intruder : public Client {  // a key that nobody enrolled, one that was revoked, a worker's
 public:
  enum class Kind { stranger, revoked, worker_key };
  Intruder(World& world, Kind kind);
  void act() override;

 private:
  Kind kind_;
};

inline constexpr std::uint32_t seller_number = 100, customer_number = 200, worker_number = 1'000,
                               stranger_number = 9'000, revoked_number = 9'001;

}  // namespace weft::sim
