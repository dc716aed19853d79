#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "tests/transport/rank/scenarios.hpp"
#include "tests/transport/rank/values.hpp"

namespace weft::test {
namespace {

constexpr ReduceOp ops[] = {ReduceOp::sum, ReduceOp::prod, ReduceOp::min, ReduceOp::max,
                            ReduceOp::avg};

struct Failure {
  int code = 0;
};

class Checker {
 public:
  explicit Checker(Mesh& mesh) : mesh_(mesh) {}
  int code() const { return code_; }
  std::uint64_t bits() const { return bits_; }

  template <class T>
  void all(std::size_t count) {
    for (const auto op : ops) {
      if (op == ReduceOp::avg && type_of<T>() == DataType::boolean) continue;
      reduce<T>(count, op, static_cast<std::uint32_t>(op) % mesh_.size());
      all_reduce<T>(count, op, false);
      all_reduce<T>(count, op, true);
      reduce_scatter<T>(count, op);
    }
    all_gather<T>(count, false);
    all_gather<T>(count, true);
    all_to_all<T>(count);
    for (std::uint32_t root = 0; root < mesh_.size(); ++root) {
      broadcast<T>(count, root);
      gather<T>(count, root);
      scatter<T>(count, root);
    }
  }

  // Sums that do not associate: near the reference, and the same bits everywhere (the parent
  // compares).
  template <class T>
  void order(std::size_t count) {
    std::vector<T> in(count), out(count);
    for (std::size_t i = 0; i < count; ++i) in[i] = fraction<T>(mesh_.rank(), i);
    done(mesh_.all_reduce(in.data(), out.data(), count, type_of<T>(), ReduceOp::sum));
    for (std::size_t i = 0; i < count; ++i) {
      double exact = 0;
      for (std::uint32_t r = 0; r < mesh_.size(); ++r)
        exact += static_cast<double>(fraction<T>(r, i));
      if (std::abs(exact - static_cast<double>(out[i])) > 1e-5) wrong("sum of fractions", count, i);
    }
    bits_ = bits_of(out.data(), count * sizeof(T), bits_);
  }

  void barrier() { done(mesh_.barrier()); }

 private:
  void done(const Result<void>& result) {
    if (!result && code_ == 0) code_ = say_failure(mesh_, result.error());
  }
  void wrong(const char* what, std::size_t count, std::size_t index) {
    if (code_ == 0) std::printf("wrong %s of %zu at %zu\n", what, count, index);
    code_ = code_ == 0 ? 4 : code_;
  }

  template <class T>
  void all_reduce(std::size_t count, ReduceOp op, bool in_place) {
    std::vector<T> in(count), apart(count);
    for (std::size_t i = 0; i < count; ++i) in[i] = whole<T>(mesh_.rank(), i);
    auto& out = in_place ? in : apart;
    done(mesh_.all_reduce(in.data(), out.data(), count, type_of<T>(), op));
    for (std::size_t i = 0; i < count; ++i)
      if (out[i] != reference<T>(op, mesh_.size(), i)) return wrong("all_reduce", count, i);
    bits_ = bits_of(out.data(), count * sizeof(T), bits_);
  }
  template <class T>
  void reduce_scatter(std::size_t count, ReduceOp op) {
    std::vector<T> in(count * mesh_.size()), out(count);
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = whole<T>(mesh_.rank(), i);
    done(mesh_.reduce_scatter(in.data(), out.data(), count, type_of<T>(), op));
    for (std::size_t i = 0; i < count; ++i)
      if (out[i] != reference<T>(op, mesh_.size(), mesh_.rank() * count + i))
        return wrong("reduce_scatter", count, i);
  }
  template <class T>
  void all_gather(std::size_t count, bool in_place) {
    std::vector<T> in(count), out(count * mesh_.size());
    T* own = in_place ? out.data() + mesh_.rank() * count : in.data();
    for (std::size_t i = 0; i < count; ++i) own[i] = whole<T>(mesh_.rank(), i);
    done(mesh_.all_gather(own, out.data(), count, type_of<T>()));
    for (std::size_t i = 0; i < out.size(); ++i)
      if (out[i] != whole<T>(static_cast<std::uint32_t>(i / count), i % count))
        return wrong("all_gather", count, i);
    bits_ = bits_of(out.data(), out.size() * sizeof(T), bits_);
  }
  template <class T>
  void broadcast(std::size_t count, std::uint32_t root) {
    std::vector<T> data(count, T{});
    if (mesh_.rank() == root)
      for (std::size_t i = 0; i < count; ++i) data[i] = whole<T>(root, i);
    done(mesh_.broadcast(data.data(), count, type_of<T>(), root));
    for (std::size_t i = 0; i < count; ++i)
      if (data[i] != whole<T>(root, i)) return wrong("broadcast", count, i);
    bits_ = bits_of(data.data(), count * sizeof(T), bits_);
  }

  template <class T>
  void reduce(std::size_t count, ReduceOp op, std::uint32_t root) {
    const bool here = mesh_.rank() == root;
    std::vector<T> in(count), out(here ? count : 0);
    for (std::size_t i = 0; i < count; ++i) in[i] = whole<T>(mesh_.rank(), i);
    done(mesh_.reduce(in.data(), here ? out.data() : nullptr, count, type_of<T>(), op, root));
    for (std::size_t i = 0; i < out.size(); ++i)
      if (!(out[i] == reference<T>(op, mesh_.size(), i))) return wrong("reduce", count, i);
  }
  template <class T>
  void gather(std::size_t count, std::uint32_t root) {
    const bool here = mesh_.rank() == root;
    std::vector<T> in(count), out(here ? count * mesh_.size() : 0);
    for (std::size_t i = 0; i < count; ++i) in[i] = whole<T>(mesh_.rank(), i);
    done(mesh_.gather(in.data(), here ? out.data() : nullptr, count, type_of<T>(), root));
    for (std::size_t i = 0; i < out.size(); ++i)
      if (!(out[i] == whole<T>(static_cast<std::uint32_t>(i / count), i % count)))
        return wrong("gather", count, i);
  }
  template <class T>
  void scatter(std::size_t count, std::uint32_t root) {
    const bool here = mesh_.rank() == root;
    std::vector<T> in(here ? count * mesh_.size() : 0), out(count);
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = whole<T>(root, i);
    done(mesh_.scatter(here ? in.data() : nullptr, out.data(), count, type_of<T>(), root));
    for (std::size_t i = 0; i < count; ++i)
      if (!(out[i] == whole<T>(root, mesh_.rank() * count + i))) return wrong("scatter", count, i);
  }
  template <class T>
  void all_to_all(std::size_t count) {
    std::vector<T> in(count * mesh_.size()), out(count * mesh_.size());
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = whole<T>(mesh_.rank(), i);
    done(mesh_.all_to_all(in.data(), out.data(), count, type_of<T>()));
    for (std::size_t i = 0; i < out.size(); ++i)
      if (!(out[i] ==
            whole<T>(static_cast<std::uint32_t>(i / count), mesh_.rank() * count + i % count)))
        return wrong("all_to_all", count, i);
  }

  Mesh& mesh_;
  int code_ = 0;
  std::uint64_t bits_ = 1;
};

}  // namespace

int collectives(const Arguments& arguments) {
  const auto mesh = join_or_say();
  if (!mesh) return 3;
  Checker checker(*mesh);
  for (const auto& argument : arguments) {
    const auto count = static_cast<std::size_t>(std::stoull(argument));
    checker.all<float>(count);
    checker.all<double>(count);
    checker.all<std::int32_t>(count);
    checker.all<std::int64_t>(count);
    checker.order<float>(count);
    checker.order<double>(count);
    checker.barrier();
    if (count > 1'000) continue;  // schedules of large messages do not know the type
    checker.all<F16>(count);
    checker.all<Bf16>(count);
    checker.all<std::int8_t>(count);
    checker.all<std::uint8_t>(count);
    checker.all<Boolean>(count);
  }
  for (std::uint32_t rank = 0; rank < mesh->size(); ++rank)
    if (rank != mesh->rank() && mesh->path_to(rank).find("tcp") != std::string::npos)
      std::printf("tcp_to %u\n", rank);
  std::printf("bits %016llx\n", static_cast<unsigned long long>(checker.bits()));
  if (checker.code() != 0) return checker.code();
  if (auto left = mesh->leave(); !left) return say_failure(*mesh, left.error());
  return 0;
}

}  // namespace weft::test
