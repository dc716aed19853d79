#include "broker/shell/drivers/linux/enter.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace weft::broker::netns {
namespace {

constexpr const char* folder = "/run/netns";

tl::unexpected<Error> broken(std::string_view what, const std::string& name) {
  return fail(Code::os_error,
              fmt::format("network namespace {}: {}: {}", name, what, std::strerror(errno)));
}

// As ip-netns does it: the folder is a mount of its own that hands mounts on to other mount
// namespaces, so that a namespace removed here does not live on there.
Result<void> make_folder() {
  if (mkdir(folder, 0755) != 0 && errno != EEXIST) return broken("mkdir", folder);
  for (bool bound = false;; bound = true) {
    if (mount("", folder, "none", MS_SHARED | MS_REC, nullptr) == 0) return {};
    if (errno != EINVAL || bound) return broken("mount", folder);
    if (mount(folder, folder, "none", MS_BIND | MS_REC, nullptr) != 0)
      return broken("bind", folder);
  }
}

Result<void> in_thread(const std::function<Result<void>()>& work) {
  Result<void> out;
  std::thread([&] { out = work(); }).join();
  return out;
}

}  // namespace

std::string path_of(std::string_view name) { return fmt::format("{}/{}", folder, name); }

bool exists(std::string_view name) { return access(path_of(name).c_str(), F_OK) == 0; }

std::vector<std::string> with_prefix(std::string_view head) {
  std::vector<std::string> names;
  DIR* directory = opendir(folder);
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory))
    if (std::string_view(entry->d_name).starts_with(head)) names.emplace_back(entry->d_name);
  closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> make(const std::string& name) {
  if (auto there = make_folder(); !there) return there;
  const std::string path = path_of(name);
  const int file = open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (file < 0) return broken("create", name);
  close(file);
  auto made = in_thread([&]() -> Result<void> {
    if (unshare(CLONE_NEWNET) != 0) return broken("unshare", name);
    if (mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0)
      return broken("bind", name);
    return {};
  });
  if (!made) unlink(path.c_str());
  return made;
}

Result<void> remove(const std::string& name) {
  const std::string path = path_of(name);
  if (umount2(path.c_str(), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
    return broken("unmount", name);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return broken("unlink", name);
  return {};
}

Result<void> enter(const std::string& name) {
  const int space = open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC);
  if (space < 0) return broken("open", name);
  const bool moved = setns(space, CLONE_NEWNET) == 0;
  auto out = moved ? Result<void>{} : broken("setns", name);
  close(space);
  return out;
}

Result<void> inside(const std::string& name, const std::function<Result<void>()>& work) {
  return in_thread([&]() -> Result<void> {
    if (auto moved = enter(name); !moved) return moved;
    return work();
  });
}

}  // namespace weft::broker::netns
