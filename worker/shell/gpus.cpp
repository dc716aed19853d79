// GPUs by NVML, loaded at run time: a worker without a driver has none, and says so by an empty
// list. The declarations are those of NVML's stable C interface that we use.
#include <dlfcn.h>

#include <algorithm>

#include "worker/shell/inventory.hpp"

namespace weft::worker {
namespace {

using NvmlDevice = struct NvmlDeviceOpaque*;
constexpr int nvml_success = 0;
constexpr unsigned name_size = 96;  // NVML_DEVICE_NAME_V2_BUFFER_SIZE

struct Nvml {
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*handle)(unsigned, NvmlDevice*) = nullptr;
  int (*name)(NvmlDevice, char*, unsigned) = nullptr;

  bool load(void* library) {
    init = reinterpret_cast<decltype(init)>(::dlsym(library, "nvmlInit_v2"));
    shutdown = reinterpret_cast<decltype(shutdown)>(::dlsym(library, "nvmlShutdown"));
    count = reinterpret_cast<decltype(count)>(::dlsym(library, "nvmlDeviceGetCount_v2"));
    handle = reinterpret_cast<decltype(handle)>(::dlsym(library, "nvmlDeviceGetHandleByIndex_v2"));
    name = reinterpret_cast<decltype(name)>(::dlsym(library, "nvmlDeviceGetName"));
    return init != nullptr && shutdown != nullptr && count != nullptr && handle != nullptr &&
           name != nullptr;
  }
};

}  // namespace

std::vector<std::string> gpu_models() {
  std::vector<std::string> out;
  void* library = ::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return out;
  Nvml nvml;
  if (nvml.load(library) && nvml.init() == nvml_success) {
    unsigned count = 0;
    if (nvml.count(&count) != nvml_success) count = 0;
    for (unsigned i = 0; i < std::min(count, limits::gpus_per_node_max); ++i) {
      NvmlDevice device = nullptr;
      char name[name_size] = {};
      if (nvml.handle(i, &device) == nvml_success &&
          nvml.name(device, name, sizeof name) == nvml_success)
        out.emplace_back(name);
      else
        out.emplace_back("unknown");
    }
    nvml.shutdown();
  }
  ::dlclose(library);
  return out;
}

}  // namespace weft::worker
