#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>

#include "../support/registry_process.h"
#include "../support/tool.h"

// kill -9 while documents are being posted: every entry that was acknowledged is there afterwards,
// in its documents, its index and the change feed's numbers.
namespace strata::test {
namespace {

constexpr int kRounds = 12;
constexpr int kPostersPerRound = 3;
constexpr UnixMillis kSecond = 1000;

int run(const std::string& command) {
  return std::system(command.c_str());
}

// Runs the command and kills it after `delay`; whether it was still running then. The process is
// gone, with its locks, when this returns (timeout(1) does not wait for what it kills).
bool run_and_kill(std::vector<std::string> command, std::chrono::microseconds delay) {
  const pid_t pid = ::fork();
  check(pid >= 0, "fork");
  if (pid == 0) {
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int nothing = ::open("/dev/null", O_WRONLY);
    ::dup2(nothing, STDOUT_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  std::this_thread::sleep_for(delay);
  ::kill(pid, SIGKILL);
  int status = 0;
  check(::waitpid(pid, &status, 0) == pid, "waitpid");
  check(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "a rebuild that was not killed failed");
  return WIFSIGNALED(status);
}

struct Sample {
  std::string path, document, title;
};

Sample make_sample(const metadata::Endorser& endorser, int number) {
  const std::string name = "sample" + std::to_string(number);
  const std::string document =
      signed_document(image_of(name, name), endorser, kSampleTime + number * kSecond);
  return {verified(document).key().path(), document, name};
}

TEST(RegistryKill, AcknowledgedEntriesAreNeverLost) {
  const TemporaryDirectory folder;
  const auto endorser = sample_endorser();
  std::mt19937 random(20240501);
  std::vector<Sample> acknowledged;
  int number = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::mutex mutex;
    std::vector<std::vector<Sample>> work(kPostersPerRound);
    for (auto& samples : work) {
      for (int i = 0; i < 40; ++i) samples.push_back(make_sample(endorser, number++));
    }
    {
      DaemonProcess daemon(registry_command(folder.path()));
      const std::size_t stop_after = acknowledged.size() + 1 + random() % 60;
      std::vector<std::thread> posters;
      for (const auto& samples : work) {
        posters.emplace_back([&] {
          for (const Sample& sample : samples) {
            http::Client client(*http::Url::parse(daemon.url()));
            const auto response = client.send(post_of(sample.document));
            if (!response) return;  // killed
            ASSERT_EQ(response->head.status, 201) << response->body;
            const std::lock_guard lock(mutex);
            acknowledged.push_back(sample);
            if (acknowledged.size() == stop_after) daemon.signal(SIGKILL);
          }
        });
      }
      for (auto& poster : posters) poster.join();
    }
    DaemonProcess daemon(registry_command(folder.path()));
    for (const Sample& sample : acknowledged) {
      const auto entry = daemon.get(sample.path);
      ASSERT_EQ(entry.head.status, 200) << sample.path << " is lost in round " << round;
      ASSERT_EQ(entry.body, sample.document);
    }
    const Sample& last = acknowledged.back();
    const auto found = boost::json::parse(daemon.get("/v1/entries?q=" + last.title + "%20").body);
    ASSERT_GE(found.at("total").as_int64(), 1);
    const auto all = boost::json::parse(daemon.get("/v1/entries?limit=1").body);
    EXPECT_GE(all.at("total").to_number<std::size_t>(), acknowledged.size());
  }
}

// At any moment of a rebuild there is a whole store: the old one or the new one.
TEST(RegistryKill, ARebuildThatIsKilledLosesNothing) {
  constexpr int kEntries = 300;
  const TemporaryDirectory folder;
  const auto endorser = sample_endorser();
  std::vector<Sample> samples;
  {
    DaemonProcess daemon(registry_command(folder.path()));
    http::Client client(*http::Url::parse(daemon.url()));
    for (int i = 0; i < kEntries; ++i) {
      samples.push_back(make_sample(endorser, i));
      ASSERT_EQ(client.send(post_of(samples.back().document))->head.status, 201);
    }
  }
  const std::string maintain = std::string(STRATA_REGISTRY) + " --data " + folder.path() + " ";
  std::mt19937 random(7);
  int killed = 0;
  for (int round = 0; round < 25; ++round) {
    // From before its start to after its end.
    const std::chrono::microseconds delay(random() % 300'000);
    if (run_and_kill({STRATA_REGISTRY, "--data", folder.path(), "--rebuild"}, delay)) ++killed;
    ASSERT_EQ(run(maintain + "--check >" + folder.path() + "/out 2>&1"), 0)
        << "round " << round << ": " << read_file(folder.path() + "/out");
    ASSERT_EQ(read_file(folder.path() + "/out"),
              std::to_string(kEntries) + " entries checked, 0 problems\n");
  }
  EXPECT_GT(killed, 3) << "most rebuilds ended before they were killed";
  EXPECT_EQ(run(maintain + "--rebuild >" + folder.path() + "/out 2>&1"), 0);
  DaemonProcess daemon(registry_command(folder.path()));
  for (const Sample& sample : samples) {
    ASSERT_EQ(daemon.get(sample.path).body, sample.document);
  }
}

}  // namespace
}  // namespace strata::test
