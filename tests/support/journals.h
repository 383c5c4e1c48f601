#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "storage/upload/journal.h"

// For tests of the upload journal: a model of what it holds.
namespace strata::test {

using upload::Journal;
using JournalModel = std::map<RandomId, std::map<Journal::Slot, std::string>>;

// 00000000000000000000000000000001, ...
[[nodiscard]] inline RandomId numbered_id(unsigned number) {
  char text[33];
  std::snprintf(text, sizeof text, "%032x", number);
  return *RandomId::parse(text);
}

[[nodiscard]] inline Journal::Change put(unsigned session, Journal::Slot slot, std::string value) {
  return {Journal::Change::Kind::kPut, numbered_id(session), slot, std::move(value)};
}
[[nodiscard]] inline Journal::Change remove_session(unsigned session) {
  return {Journal::Change::Kind::kRemoveSession, numbered_id(session), {}, {}};
}

inline void apply_changes(const std::vector<Journal::Change>& changes, JournalModel& model) {
  for (const auto& change : changes) {
    if (change.kind == Journal::Change::Kind::kPut) {
      model[change.session][change.slot] = change.value;
    } else {
      model.erase(change.session);
    }
  }
}

// Everything in the journal. A value that can not be read is a failure of the test.
[[nodiscard]] inline JournalModel contents(const Journal& journal) {
  JournalModel found;
  for (const RandomId& session : journal.sessions()) {
    for (std::size_t slot = 1; slot <= Journal::kSlots; ++slot) {
      const auto value = journal.read(session, static_cast<Journal::Slot>(slot));
      if (value) {
        found[session][static_cast<Journal::Slot>(slot)] = *value;
      } else {
        EXPECT_EQ(value.error().code(), Errc::kNotFound) << value.error().message();
      }
    }
  }
  return found;
}

}  // namespace strata::test
