#include "tests/support/fault_plan.h"

#include <string>

namespace strata::test {

void FaultPlan::fail_after(std::uint64_t k, Errc code, Then then) {
  reset();
  const std::lock_guard lock(mutex_);
  after_ = k;
  code_ = code;
  then_ = then;
}

void FaultPlan::cut_power_after(std::uint64_t k) {
  reset();
  const std::lock_guard lock(mutex_);
  after_ = k;
  code_ = Errc::kIo;
  cuts_ = true;
}

void FaultPlan::reset() {
  const std::lock_guard lock(mutex_);
  calls_ = 0;
  after_.reset();
  cuts_ = false;
  power_off_ = false;
}

std::uint64_t FaultPlan::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

bool FaultPlan::power_is_off() const {
  const std::lock_guard lock(mutex_);
  return power_off_;
}

FaultPlan::Fate FaultPlan::mutating(std::string_view call) {
  const std::lock_guard lock(mutex_);
  if (power_off_) return {Error(Errc::kIo, std::string(call) + ": the power is off")};
  const std::uint64_t index = calls_++;
  if (!after_ || index < *after_) return {};
  if (cuts_) {
    power_off_ = true;
    return {Error(Errc::kIo, std::string(call) + ": the power went"), true};
  }
  if (index > *after_ && then_ == Then::kRecover) return {};
  return {Error(code_, std::string(call) + ": made to fail")};
}

Status FaultPlan::reading(std::string_view call) const {
  if (power_is_off()) return Error(Errc::kIo, std::string(call) + ": the power is off");
  return {};
}

}  // namespace strata::test
