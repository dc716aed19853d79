// Envelopes over a SOCK_SEQPACKET unix socket: one message a packet. Used between worker and
// holders and between worker and ranks. Sockets are addressed through their directory's descriptor,
// so that a long state path does not run into the 107 bytes of a socket address. Thread: one.
#pragma once
#include <optional>

#include "schemas/codec.hpp"
#include "worker/shell/files.hpp"

namespace weft::worker {

enum class Received : std::uint8_t { message, nothing, closed, bad };

// Non-blocking. bad: not a message of ours (see error), the peer should be cut off.
Received receive_envelope(int fd, Envelope& out, Error& error);
// Non-blocking; broker.busy when the peer does not read, os.error when it is gone.
Result<void> send_envelope(int fd, const Envelope& envelope);

// A listening socket at directory/name; replaces a dead one there.
Result<Fd> listen_at(const std::string& directory, const std::string& name, unsigned mode);
Result<Fd> connect_at(const std::string& directory, const std::string& name);
std::optional<Fd> accept_from(int listener);

}  // namespace weft::worker
