// Transports and mechanisms of libzmq that weft never uses: PGM, NORM and GSSAPI. libzmq's archive
// refers to their libraries, and loading those ten at every start of `weft` would take longer than
// the start itself. Linked only where libzmq comes from its archive (cmake/WeftPackages.cmake): a
// socket asks for one of them by its endpoint or its options, and weft's are tcp and ipc under
// CURVE.
#include "base/assert.hpp"

#define WEFT_LEFT_OUT(name)                                                    \
  [[noreturn]] void name() {                                                   \
    weft::assertion_failed(#name, __FILE__, __LINE__, "not linked into weft"); \
  }

extern "C" {

int pgm_init(void*) { return 1; }  // libzmq starts and stops it with every context
int pgm_shutdown() { return 1; }

WEFT_LEFT_OUT(pgm_bind3)
WEFT_LEFT_OUT(pgm_close)
WEFT_LEFT_OUT(pgm_connect)
WEFT_LEFT_OUT(pgm_error_free)
WEFT_LEFT_OUT(pgm_free)
WEFT_LEFT_OUT(pgm_freeaddrinfo)
WEFT_LEFT_OUT(pgm_getaddrinfo)
WEFT_LEFT_OUT(pgm_getsockopt)
WEFT_LEFT_OUT(pgm_gsi_create_from_data)
WEFT_LEFT_OUT(pgm_recvmsgv)
WEFT_LEFT_OUT(pgm_send)
WEFT_LEFT_OUT(pgm_setsockopt)
WEFT_LEFT_OUT(pgm_socket)

WEFT_LEFT_OUT(NormCreateInstance)
WEFT_LEFT_OUT(NormCreateSession)
WEFT_LEFT_OUT(NormDestroyInstance)
WEFT_LEFT_OUT(NormDestroySession)
WEFT_LEFT_OUT(NormGetDescriptor)
WEFT_LEFT_OUT(NormGetNextEvent)
WEFT_LEFT_OUT(NormGetRandomSessionId)
WEFT_LEFT_OUT(NormIsUnicastAddress)
WEFT_LEFT_OUT(NormNodeDelete)
WEFT_LEFT_OUT(NormObjectGetType)
WEFT_LEFT_OUT(NormObjectGetUserData)
WEFT_LEFT_OUT(NormObjectSetUserData)
WEFT_LEFT_OUT(NormSetCongestionControl)
WEFT_LEFT_OUT(NormSetDefaultSyncPolicy)
WEFT_LEFT_OUT(NormSetDefaultUnicastNack)
WEFT_LEFT_OUT(NormSetLoopback)
WEFT_LEFT_OUT(NormSetMulticastInterface)
WEFT_LEFT_OUT(NormSetRxPortReuse)
WEFT_LEFT_OUT(NormSetTTL)
WEFT_LEFT_OUT(NormStartReceiver)
WEFT_LEFT_OUT(NormStartSender)
WEFT_LEFT_OUT(NormStopInstance)
WEFT_LEFT_OUT(NormStopReceiver)
WEFT_LEFT_OUT(NormStopSender)
WEFT_LEFT_OUT(NormStreamFlush)
WEFT_LEFT_OUT(NormStreamOpen)
WEFT_LEFT_OUT(NormStreamRead)
WEFT_LEFT_OUT(NormStreamSeekMsgStart)
WEFT_LEFT_OUT(NormStreamWrite)

WEFT_LEFT_OUT(gss_accept_sec_context)
WEFT_LEFT_OUT(gss_acquire_cred)
WEFT_LEFT_OUT(gss_delete_sec_context)
WEFT_LEFT_OUT(gss_display_name)
WEFT_LEFT_OUT(gss_import_name)
WEFT_LEFT_OUT(gss_init_sec_context)
WEFT_LEFT_OUT(gss_release_buffer)
WEFT_LEFT_OUT(gss_release_cred)
WEFT_LEFT_OUT(gss_release_name)
WEFT_LEFT_OUT(gss_unwrap)
WEFT_LEFT_OUT(gss_wrap)

extern void* const NORM_INSTANCE_INVALID;
extern void* const NORM_SESSION_INVALID;
extern void* const NORM_OBJECT_INVALID;
extern const unsigned NORM_NODE_ANY;
extern void* const GSS_C_NT_HOSTBASED_SERVICE;
extern void* const GSS_C_NT_USER_NAME;
void* const NORM_INSTANCE_INVALID = nullptr;
void* const NORM_SESSION_INVALID = nullptr;
void* const NORM_OBJECT_INVALID = nullptr;
const unsigned NORM_NODE_ANY = 0xffffffff;
void* const GSS_C_NT_HOSTBASED_SERVICE = nullptr;
void* const GSS_C_NT_USER_NAME = nullptr;
}
