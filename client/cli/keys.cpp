// weft keys: who may speak with the broker.
#include <fmt/format.h>

#include <array>

#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

Result<Role> parse_role(const std::string& text) {
  for (std::size_t i = 0; i < enum_names::role.size(); ++i)
    if (text == enum_names::role[i]) return static_cast<Role>(i);
  return fail(Code::usage,
              fmt::format("'{}' is not a role; operator, seller, customer or worker", text));
}

void print(const KeyList& list) {
  Table table({"NAME", "ROLE", "ACCOUNT", "STATE", "PUBLIC KEY"});
  for (const KeyEntry& key : list.keys)
    table.row({key.name, std::string(to_string(key.role)), key.account,
               key.revoked ? "revoked" : "valid", to_hex(key.principal)});
  fmt::print("{}", table.text());
}

// The file lies there before the broker is asked: an enrolled key whose secret is lost helps
// nobody.
int keys_new(const Arguments& arguments) {
  Flags flags(
      "keys new", "NAME --role ROLE [--account ACCOUNT] [--out FILE] [flags]",
      "Makes a key pair, enrolls its public half and leaves the key file at keys/NAME.key of the\n"
      "state directory (or FILE). A worker's NAME is the name of its node.");
  Common common;
  yaml::KeyFile file;
  std::string out, public_key;
  Role role{};
  flags.argument("NAME", "1 to 63 of a-z 0-9 -", take_text(file.entry.name));
  flags.option("--role", "ROLE", "operator, seller, customer or worker",
               [&role](const std::string& text) -> Result<void> {
                 auto parsed = parse_role(text);
                 if (!parsed) return tl::make_unexpected(parsed.error());
                 role = *parsed;
                 return {};
               });
  flags.option("--account", file.entry.account, "ACCOUNT",
               "who pays or earns (default: NAME; of a worker: seller)");
  flags.option("--out", out, "FILE", "where the key file goes");
  flags.option("--public", public_key, "HEX", "enroll this public key instead; no file is made");
  flags.example("weft keys new alice --role customer", "a customer with an account of its own");
  flags.example("weft keys new n17 --role worker --account acme --out n17.key",
                "the key of a node that acme owns");
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  if (!flags.given("--role"))
    return refuse("keys new",
                  {Code::usage, "--role is missing; operator, seller, customer or worker"});
  file.entry.role = role;
  if (file.entry.account.empty())
    file.entry.account = role == Role::worker ? "seller" : file.entry.name;

  auto state = client::find_state_dir(common.state);
  if (!state) return refuse("keys new", state.error());
  auto client = connect(common, *state, {"operator"});
  if (!client) return refuse("keys new", client.error());
  if (!public_key.empty()) {
    if (!from_hex(public_key, file.entry.principal.data.data(), 32))
      return refuse("keys new", {Code::usage, "--public: not a public key; 64 hexadecimal digits"});
  } else {
    const net::CurveKeys keys = net::make_curve_keys();
    file.entry.principal = keys.public_key;
    file.secret.data = keys.secret.data;
    if (out.empty()) out = state->key(file.entry.name);
    if (auto written = yaml::write_key_file(out, file); !written)
      return refuse("keys new", written.error());
  }
  auto reply = (*client)->get<KeyList>(EnrollKey{file.entry}, common.mutating());
  if (!reply) {
    if (public_key.empty() && reply.error().code != Code::timeout &&
        reply.error().code != Code::broker_unreachable)
      std::remove(out.c_str());  // it was refused, so nobody knows this key
    return refuse("keys new", reply.error());
  }
  if (common.json) {
    print_json(*reply);
  } else {
    print(*reply);
    if (public_key.empty()) fmt::print("key file: {}\n", out);
  }
  return exit_done;
}

int keys_list(const Arguments& arguments) {
  Flags flags("keys list", "[flags]", "Lists the keys of your account; the operator sees all.");
  Common common(Speaks::asks);
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"operator", "customer", "seller"});
  if (!client) return refuse("keys list", client.error());
  auto reply = (*client)->get<KeyList>(ListKeys{}, common.reading());
  if (!reply) return refuse("keys list", reply.error());
  if (common.json)
    print_json(*reply);
  else
    print(*reply);
  return exit_done;
}

int keys_revoke(const Arguments& arguments) {
  Flags flags("keys revoke", "NAME|KEY [flags]",
              "Revokes a key, by name or by its public half: its connections are closed, it never "
              "works again.");
  Common common;
  RevokeKey request;
  flags.argument("NAME|KEY", "name of the key, or the public key in hexadecimal",
                 take_text(request.key_name));
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"operator"});
  if (!client) return refuse("keys revoke", client.error());
  auto reply = (*client)->get<KeyList>(request, common.mutating());
  if (!reply) return refuse("keys revoke", reply.error());
  if (common.json)
    print_json(*reply);
  else
    print(*reply);
  return exit_done;
}

constexpr std::array keys_verbs{Verb{"new", "make and enroll a key", keys_new},
                                Verb{"list", "list keys", keys_list},
                                Verb{"revoke", "revoke a key", keys_revoke}};

}  // namespace

int verb_keys(const Arguments& arguments) { return dispatch("weft keys", keys_verbs, arguments); }

}  // namespace weft::cli
