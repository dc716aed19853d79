// weft up: a broker and workers on this machine, offered, with keys and money: ready for `weft
// run`.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/up/bring_up.hpp"
#include "client/cli/up/network.hpp"
#include "client/cli/up/supervise.hpp"
#include "client/cli/up/tear_down.hpp"
#include "client/cli/verbs.hpp"

#include <fcntl.h>

namespace weft::cli {
namespace {

constexpr int supervisor_go = 0;  // the supervisor reads it as its standard input

struct UpFlags {
  UpPlan plan;
  bool loopback = false, foreground = false, supervise = false;
  UpFlags() { plan.deposit = {10'000'000'000}; }
};

void declare(Flags& flags, UpFlags& up) {
  flags.number("-n,--nodes", up.plan.nodes, 1, 250, "workers, one a node (default 4)");
  flags.option("--fabric", up.plan.fabric, "FILE",
               "rent the links of this fabric too; its hosts are the nodes");
  flags.option(
      "--driver", "DRIVER",
      "who programs the fabric: none, linux (network namespaces as switches), opensm (on a "
      "simulated fabric) (default none)",
      [&up](const std::string& text) -> Result<void> {
        if (text != "none" && text != "linux" && text != "opensm")
          return fail(Code::usage, fmt::format("'{}' is not a driver; there are none, linux, "
                                               "opensm",
                                               text));
        up.plan.driver = text;
        return {};
      });
  flags.price("--price", up.plan.price,
              "floor of the offer, dollars per unit-hour (default 0: no money moves)");
  flags.duration("--notice", up.plan.notice, "notice of the offer; without it leases are firm");
  flags.option("--deposit", "AMOUNT",
               "dollars for the account 'customer' when it is empty (default 10000)",
               [&up](const std::string& text) -> Result<void> {
                 auto amount = parse_micros(text);
                 if (!amount) return tl::make_unexpected(amount.error());
                 up.plan.deposit = {*amount};
                 return {};
               });
  flags.flag("--loopback", up.loopback,
             "workers as plain processes, although namespaces could be made");
  flags.flag("--foreground", up.foreground, "stay; an interrupt does what `weft down` does");
  flags.example("weft up --nodes 4 --price 1.80", "four nodes for $1.80 a node-hour");
}

// The fabric file's absolute path: the broker runs elsewhere.
Result<void> settle_fabric(const Flags& flags, UpPlan& plan) {
  if (plan.fabric.empty()) {
    if (!plan.driver.empty()) return fail(Code::usage, "--driver needs --fabric FILE");
    return {};
  }
  if (flags.given("--nodes"))
    return fail(Code::usage, "--nodes and --fabric: the nodes are the fabric's hosts");
  if (plan.driver.empty()) plan.driver = "none";
  std::error_code error;
  const auto path = std::filesystem::canonical(plan.fabric, error);
  if (error)
    return fail(Code::usage, fmt::format("--fabric: {}: {}", plan.fabric, error.message()));
  plan.fabric = path.string();
  return {};
}

Error already_running(const client::StateDir& state, const UpRecord& record) {
  const bool healthy = alive(record.supervisor);
  return {
      Code::up_running,
      fmt::format("{} runs a broker and {} workers already{}; `weft down --state {}` stops them",
                  state.root, record.nodes.size(), healthy ? "" : " (without their supervisor)",
                  state.root)};
}

// The lock of the state directory, if nothing of an earlier start runs.
Result<int> take_state(const client::StateDir& state) {
  auto lock = lock_state(state);
  if (!lock) return lock;
  auto record = read_record(state);
  if (!record) return tl::make_unexpected(record.error());
  const UpRecord old = *record ? **record : new_record(state);
  if (*lock < 0) return tl::make_unexpected(already_running(state, old));
  bool running = alive(old.broker);
  for (const auto& [name, process] : old.workers) running = running || alive(process);
  if (running) {
    close(*lock);
    return tl::make_unexpected(already_running(state, old));
  }
  return lock;
}

Result<Process> start_supervisor(const client::StateDir& state, int lock, int go) {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) return fail(Code::os_error, "/proc/self/exe cannot be read");
  Spawn what;
  what.arguments = {std::string(path, static_cast<std::size_t>(size)), "up", "--supervise",
                    "--state", state.root};
  what.output = state.root + "/up.log";
  what.input = go;
  what.keep = lock;
  what.own_session = true;
  return spawn(what);
}

struct Started {
  UpRecord record;
  std::vector<Node> nodes;
  std::vector<Offer> offers;
};

Result<Started> start(const client::StateDir& state, const UpFlags& up, int lock) {
  Started out;
  out.record = new_record(state);
  out.record.namespaces = !up.loopback && network_possible();
  out.record.fabric = up.plan.fabric;
  out.record.driver = up.plan.driver;
  if (up.plan.driver == "linux" && !out.record.namespaces)
    return fail(Code::usage,
                "--driver linux builds the fabric out of network namespaces, which "
                "needs root (and no --loopback)");
  auto planned = plan_nodes(up.plan, out.record);
  if (!planned) return tl::make_unexpected(planned.error());
  out.record.nodes = std::move(*planned);
  unlink(state.connection().c_str());
  if (auto laid = lay_out(state, out.record); !laid) return tl::make_unexpected(laid.error());
  if (auto cleared = remove_network(out.record.tag); !cleared)
    return tl::make_unexpected(cleared.error());
  if (auto made = lay_cables(out.record); !made) return tl::make_unexpected(made.error());
  if (auto written = write_record(state, out.record); !written)
    return tl::make_unexpected(written.error());

  int go[2];
  if (pipe2(go, O_CLOEXEC) != 0) return fail(Code::os_error, "pipe");
  auto supervisor = start_supervisor(state, lock, go[0]);
  close(go[0]);
  if (!supervisor) return tl::make_unexpected(supervisor.error());
  auto client = await_broker(state, *supervisor, up.plan.patience);
  if (!client) return tl::make_unexpected(client.error());
  if (auto done = enroll(**client, state, out.record); !done)
    return tl::make_unexpected(done.error());
  auto before = (*client)->get<NodeList>(ListNodes{});
  if (!before) return tl::make_unexpected(before.error());
  if (write(go[1], "g", 1) != 1)
    return fail(Code::os_error, "the supervisor has ended: " + state.root + "/up.log");
  close(go[1]);
  if (auto done = deposit(**client, up.plan.deposit); !done)
    return tl::make_unexpected(done.error());
  auto nodes = await_nodes(**client, out.record, *before, up.plan.patience);
  if (!nodes) return tl::make_unexpected(nodes.error());
  auto offers = put_offer(state, *nodes, up.plan);
  if (!offers) return tl::make_unexpected(offers.error());
  out.nodes = std::move(*nodes);
  out.offers = std::move(*offers);
  if (auto record = read_record(state); record && *record) out.record = **record;
  return out;
}

void print(const client::StateDir& state, const Started& started) {
  const UpRecord& record = started.record;
  fmt::print("weft is up: a broker (pid {}) and {}, ", record.broker.pid,
             counted(record.nodes.size(), "worker"));
  if (record.namespaces)
    fmt::print("each in a network namespace of its own ({} to {}, {} to {})\n",
               record.nodes.front().network, record.nodes.back().network,
               record.nodes.front().address, record.nodes.back().address);
  else
    fmt::print("plain processes on loopback{}\n",
               geteuid() == 0 ? "" : " (network namespaces need root)");
  if (!record.fabric.empty())
    fmt::print("  fabric {}, {}\n", record.fabric,
               record.driver == "none" ? "recorded only (--driver linux or opensm programs it)"
                                       : "programmed by driver " + record.driver);
  for (const Offer& offer : started.offers)
    fmt::print("  offer O{}: {} at {} a unit-hour, {}\n", offer.id.value,
               counted(offer.nodes.size(), "node"), dollars(offer.floor),
               offer.notice.ms == 0 ? "firm" : "notice " + to_string(offer.notice));
  fmt::print("  state in {}\n", state.root);
  const bool priced = !started.offers.empty() && started.offers.front().floor.micros > 0;
  fmt::print("try: weft run -N {}{} -- hostname\n", std::min<std::size_t>(2, record.nodes.size()),
             priced ? " -p " + to_string(started.offers.front().floor) : "");
}

void print_as_json(const client::StateDir& state, const Started& started) {
  print_json({{"state", state.root},
              {"nodes", std::to_string(started.record.nodes.size())},
              {"network", started.record.namespaces ? "namespaces" : "loopback"},
              {"tag", started.record.tag},
              {"supervisor_pid", std::to_string(started.record.supervisor.pid)},
              {"broker_pid", std::to_string(started.record.broker.pid)}});
}

int stay(const client::StateDir& state) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  int signal = 0;
  sigwait(&signals, &signal);
  cancel_jobs(state, seconds(15));
  auto done = tear_down(state);
  return done ? exit_done : refuse("up", done.error());
}

}  // namespace

int verb_up(const Arguments& arguments) {
  Flags flags("up", "[--nodes COUNT] [--price PRICE] [flags]",
              "Starts a broker and workers on this machine, restarts them when they die, makes and "
              "enrolls\n"
              "keys, offers all nodes and puts money into the account 'customer'. As root every "
              "worker gets\n"
              "a network namespace of its own, else workers are plain processes on loopback.");
  Common common(Speaks::for_itself, seconds(60));
  UpFlags up;
  declare(flags, up);
  // Internal: what `weft up` starts. Not in the help, for nobody should start it by hand.
  Arguments own = arguments;
  if (!own.empty() && own.front() == "--supervise") {
    up.supervise = true;
    own.erase(own.begin());
  }
  if (const int code = begin(flags, common, own); code >= 0) return code;
  auto state = client::find_state_dir(common.state);
  if (!state) return refuse("up", state.error());
  if (up.supervise) return supervise(*state, supervisor_go);
  up.plan.patience = common.timeout;
  if (auto settled = settle_fabric(flags, up.plan); !settled) return refuse("up", settled.error());
  up.plan.terms_given = flags.given("--price") || flags.given("--notice");

  if (auto made = make_state_dir(*state); !made) return refuse("up", made.error());
  auto lock = take_state(*state);
  if (!lock) return refuse("up", lock.error());
  auto started = start(*state, up, *lock);
  close(*lock);
  if (!started) {
    const int code = refuse("up", started.error());
    (void)tear_down(*state);  // nothing half-started stays
    return code;
  }
  if (common.json)
    print_as_json(*state, *started);
  else
    print(*state, *started);
  std::fflush(stdout);
  return up.foreground ? stay(*state) : exit_done;
}

}  // namespace weft::cli
