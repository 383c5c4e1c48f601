#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

// Result<T> is how every fallible call in Strata answers: a value, or an Error that says what was
// wrong and what would be right. Exceptions are left to programmer errors and to third-party code;
// they stop at a coroutine or callback root.
namespace strata {

// What went wrong, in the words of the HTTP contract. error_info() is the one table that maps each
// to an HTTP status, a problem type (RFC 9457) and whether the same request may succeed later.
enum class Errc {
  kMalformed,
  kPartialPut,
  kUnauthorized,
  kForbidden,
  kUntrustedSignature,
  kNotFound,
  kMethodNotAllowed,
  kRequestTimeout,
  kOffsetMismatch,
  kNotSeekable,
  kNotNewer,
  kCollision,
  kConflict,
  kInUse,
  kGone,
  kPreconditionFailed,
  kTooLarge,
  kTargetTooLong,
  kUnsupportedMedia,
  kRangeNotSatisfiable,
  kWrongHost,
  kDigestMismatch,
  kSizeMismatch,
  kCorruptGzip,
  kCorruptXz,
  kCorruptZstd,
  kDecompressionLimit,
  kUnsafeFormat,
  kTooManyRequests,
  kHeadersTooLarge,
  kChecksumMismatch,  // tus 460
  kInternal,
  kIo,           // the storage under us failed; the context names the call and errno
  kCorruptData,  // bytes we stored are not what we wrote
  kNotImplemented,
  kUnavailable,
  kHttpVersion,
  kNoSpace,
  // Seen by clients of a server, never sent by one.
  kUnreachable,
  kConnectionLost,
  kVerification,
  kAmbiguous,
  kUsage,
  kCancelled,
};

struct ErrorInfo {
  int status;             // HTTP status code; 0 = never leaves the process
  std::string_view type;  // problem type, e.g. "digest-mismatch"
  std::string_view title;
  bool retryable;  // the same request may succeed later without a change by the caller
};

[[nodiscard]] const ErrorInfo& error_info(Errc code);
// The other way, for errors that were written down; kIo for "internal", nullopt for no type of
// ours.
[[nodiscard]] std::optional<Errc> errc_from_type(std::string_view type);

class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string detail) : code_(code), detail_(std::move(detail)) {}

  [[nodiscard]] Errc code() const { return code_; }
  // A sentence for the person who made the request; no secrets, no internal paths.
  [[nodiscard]] const std::string& detail() const { return detail_; }
  [[nodiscard]] const ErrorInfo& info() const { return error_info(code_); }
  // The same error with "where: " before the detail.
  [[nodiscard]] Error in(std::string_view where) const;
  // "digest-mismatch: sha-256 is ..., the client said ..."
  [[nodiscard]] std::string message() const;

 private:
  Errc code_;
  std::string detail_;
};

// An Error from errno: ENOSPC, EDQUOT and EFBIG become kNoSpace, ENOENT kNotFound, the rest kIo.
[[nodiscard]] Error errno_error(int errno_value, std::string_view what);

// Always-on assertion for programmer errors: prints the place and the message, then aborts.
// Input from outside never reaches a failing check.
// (std::source_location is missing in clang 14 with libstdc++ 12; these built-ins are not.)
void check(bool condition, std::string_view message, const char* file = __builtin_FILE(),
           unsigned line = __builtin_LINE());

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  [[nodiscard]] T& value() & { return checked(), std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return checked(), std::get<0>(state_); }
  // By value, so that `for (auto& x : *f())` and `const auto& x = *f()` do not dangle.
  [[nodiscard]] T value() && { return checked(), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const {
    check(!has_value(), "error() of a Result that holds a value");
    return std::get<1>(state_);
  }
  [[nodiscard]] T value_or(T fallback) const& { return has_value() ? value() : fallback; }

 private:
  void checked() const {
    if (!has_value()) check(false, "value() of a failed Result: " + std::get<1>(state_).message());
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] const Error& error() const {
    check(error_.has_value(), "error() of a Result that holds a value");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace strata

// The one macro: STRATA_TRY(declaration, expression) evaluates a Result, returns its error from the
// enclosing function (co_return in a coroutine: STRATA_CO_TRY), or binds its value:
//   STRATA_TRY(auto file, fs.open(path));
#define STRATA_TRY_IMPL(declaration, expression, name, return_keyword) \
  auto&& name = (expression);                                          \
  if (!(name)) return_keyword(name).error();                           \
  declaration = *std::forward<decltype(name)>(name)
#define STRATA_CONCAT_IMPL(a, b) a##b
#define STRATA_CONCAT(a, b) STRATA_CONCAT_IMPL(a, b)
#define STRATA_TRY(declaration, expression) \
  STRATA_TRY_IMPL(declaration, expression, STRATA_CONCAT(result_, __LINE__), return )
#define STRATA_CO_TRY(declaration, expression) \
  STRATA_TRY_IMPL(declaration, expression, STRATA_CONCAT(result_, __LINE__), co_return )
