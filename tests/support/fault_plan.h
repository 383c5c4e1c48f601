#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "strata/base/result.h"

namespace strata::test {

// When the world fails. Counts the mutating calls of everything that shares it (a file system, a
// catalogue), so that one number k names one moment in a whole flow. Thread-safe.
class FaultPlan {
 public:
  enum class Then { kRecover, kKeepFailing };

  // From now on: the first k mutating calls succeed, the next one fails with `code` and so do all
  // later ones with kKeepFailing. Non-mutating calls are not affected.
  void fail_after(std::uint64_t k, Errc code, Then then = Then::kRecover);
  // From now on: k mutating calls succeed; in the next one the power goes, and every call from
  // then on, reading or writing, fails with kIo. Whether that one call had taken effect is for the
  // double to choose.
  void cut_power_after(std::uint64_t k);
  // Nothing fails any more; the count starts at 0 again. Power is back.
  void reset();

  // Mutating calls since the last of the above.
  [[nodiscard]] std::uint64_t calls() const;
  [[nodiscard]] bool power_is_off() const;

  struct Fate {
    std::optional<Error> error;
    bool power_went = false;  // in this very call: it may take effect nevertheless
  };
  // What a double asks at the start of each call.
  [[nodiscard]] Fate mutating(std::string_view call);
  [[nodiscard]] Status reading(std::string_view call) const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t calls_ = 0;
  std::optional<std::uint64_t> after_;
  Errc code_ = Errc::kIo;
  Then then_ = Then::kRecover;
  bool cuts_ = false;
  bool power_off_ = false;
};

}  // namespace strata::test
