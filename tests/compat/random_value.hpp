// Random values of any mirror struct, from its `fields` alone, within its limits; and a walk over
// every kind of message and fact. For tests: a new message is covered as soon as it exists.
#pragma once
#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "schemas/envelope.hpp"

namespace weft::test {

class Random {  // SplitMix64
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t n) { return next() % n; }

 private:
  std::uint64_t state_;
};

class RandomFiller {
 public:
  explicit RandomFiller(Random& random, int depth = 0) : random_(random), depth_(depth) {}

  template <class T>
  void operator()(const char*, T& value, std::size_t limit = 0) {
    fill(value, limit);
  }
  template <class... T>
  void choice(std::variant<std::monostate, T...>& value) {
    pick<0, T...>(random_.below(sizeof...(T)), value);
  }
  template <class T>
  void fill(T& value, std::size_t limit) {
    if constexpr (std::is_same_v<T, Code>) {
      value = static_cast<Code>(random_.below(128));
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(random_.below(names(T{}).size()));
    } else if constexpr (std::is_same_v<T, bool>) {
      value = random_.below(2) == 1;
    } else if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(number());
    } else if constexpr (std::is_same_v<T, std::string>) {
      value.clear();
      for (std::size_t n = count(limit == 0 ? 20 : limit); n > 0; --n) value += letter();
    } else if constexpr (std::is_same_v<T, std::vector<std::uint8_t>>) {
      value.resize(count(limit));
      for (auto& byte : value) byte = static_cast<std::uint8_t>(random_.next());
    } else if constexpr (requires { T::byte_count; }) {
      for (auto& byte : value.data) byte = static_cast<std::uint8_t>(random_.next());
    } else if constexpr (requires { value.ms; } && sizeof(T) == 8) {
      value.ms = static_cast<std::int64_t>(number());
    } else if constexpr (requires { value.micros; } && sizeof(T) == 8) {
      value.micros = static_cast<std::int64_t>(number());
    } else if constexpr (requires { value.value; } && sizeof(T) == 8) {
      value.value = number();
    } else if constexpr (requires { value.begin(); }) {
      value.resize(depth_ > 3 ? 1 : 1 + random_.below(std::min<std::size_t>(limit, 3)));
      for (auto& item : value) RandomFiller(random_, depth_ + 1).fill(item, 0);
    } else {
      T::fields(value, RandomFiller(random_, depth_ + 1));
    }
  }

 private:
  template <std::size_t I, class First, class... Rest, class V>
  void pick(std::size_t index, V& value) {
    if (index == I)
      fill(value.template emplace<First>(), 0);
    else if constexpr (sizeof...(Rest) > 0)
      pick<I + 1, Rest...>(index, value);
  }
  std::uint64_t number() {  // edges as often as the middle
    const std::uint64_t edges[] = {0, 1, 127, 128, 65'535, UINT32_MAX, INT64_MAX, UINT64_MAX};
    return random_.below(3) == 0 ? edges[random_.below(8)] : random_.next() >> random_.below(64);
  }
  std::size_t count(std::size_t limit) {
    return random_.below(std::min<std::size_t>(limit, 24) + 1);
  }
  char letter() {
    constexpr std::string_view letters = "abcxyz019-_. :\"'\\/\t";
    return letters[random_.below(letters.size())];
  }
  Random& random_;
  int depth_;
};

template <class T>
T random_value(std::uint64_t seed) {
  Random random(seed);
  T value{};
  RandomFiller(random).fill(value, 0);
  return value;
}

// Calls f(name, std::integral_constant index) for every arm of a choice but the unknown one.
template <class... T, class F>
void for_each_arm(const std::variant<std::monostate, T...>*, const F& f) {
  std::size_t index = 0;
  (f(T::name, ++index, static_cast<T*>(nullptr)), ...);
}

// Calls f("request.submit_job", envelope) for every kind of message, with random content.
template <class F>
void for_each_message(std::uint64_t seed, const F& f) {
  for_each_arm(static_cast<EnvelopeBody*>(nullptr), [&]<class A>(const char* name, std::size_t,
                                                                 A*) {
    auto envelope = random_value<Envelope>(seed++);
    envelope.protocol = protocol_version;
    if constexpr (requires(A a) { a.body.index(); }) {
      using Body = decltype(A::body);
      for_each_arm(static_cast<Body*>(nullptr), [&]<class M>(const char* inner, std::size_t, M*) {
        envelope.body.template emplace<A>().body = random_value<M>(seed++);
        f(std::string(name) + "." + inner, envelope);
      });
    } else {
      envelope.body = random_value<A>(seed++);
      f(name, envelope);
    }
  });
}

// Calls f("fact.epoch_began", record) for every kind of fact, alone in a record.
template <class F>
void for_each_fact(std::uint64_t seed, const F& f) {
  for_each_arm(static_cast<Fact*>(nullptr), [&]<class A>(const char* name, std::size_t, A*) {
    auto record = random_value<JournalRecord>(seed++);
    record.facts.resize(1);
    record.facts[0].fact = random_value<A>(seed++);
    f(std::string("fact.") + name, record);
  });
}

}  // namespace weft::test
