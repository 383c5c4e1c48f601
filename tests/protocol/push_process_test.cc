#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "tests/support/daemon_process.h"
#include "tests/support/push_fixture.h"

extern char** environ;

// The strata command as a process that is killed.
namespace strata {
namespace {

using ::testing::HasSubstr;

class PushProcess : public test::PushFixture {
 protected:
  PushProcess() {
    ::setenv("XDG_STATE_HOME", (directory_.path() + "/xdg").c_str(), 1);
    ::setenv("XDG_CONFIG_HOME", (directory_.path() + "/none").c_str(), 1);
    options_.state_folder = directory_.path() + "/xdg/strata/uploads";
  }
  std::vector<std::string> command(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {STRATA, "push", path_, "--storage", server_->url(), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // Starts the command, and sends it `number` when the server has `bytes`. Its exit code, or
  // -signal.
  int interrupted_push(std::uint64_t bytes, int number, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = command(more);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t pid = -1;
    EXPECT_EQ(::posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ), 0);
    EXPECT_TRUE(server_->wait_for_bytes(bytes));
    ::kill(pid, number);
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  // What the second run says and leaves.
  void expect_resumed(const std::vector<std::string>& more = {}) {
    EXPECT_EQ(state_files().empty(), false);
    const test::Finished again = test::run_program(command(more));
    EXPECT_EQ(again.code, 0) << again.output;
    EXPECT_THAT(again.output, HasSubstr("(server has it)"));
    EXPECT_THAT(again.output, HasSubstr(digest::digest_of(content_).sha512.hex()));
    EXPECT_EQ(server_->images(), std::vector<std::string>{content_});
    EXPECT_EQ(server_->received(), content_.size()) << "each byte was sent once";
    for (const std::string& file : state_files()) EXPECT_FALSE(file.ends_with(".json"));
  }
};

test::UploadServer::Fault stall_after(std::uint64_t bytes) {
  test::UploadServer::Fault fault;
  fault.cut_after = bytes;
  fault.stall = true;
  return fault;
}

TEST_F(PushProcess, IsResumedAfterSigkill) {
  make_file(5'000'000);
  for (const std::uint64_t bytes : {1U, 1'000'000U, 4'999'999U}) {
    start(patch_fault(0, stall_after(bytes)));
    EXPECT_EQ(interrupted_push(bytes, SIGKILL), -SIGKILL);
    expect_resumed();
  }
}

TEST_F(PushProcess, IsResumedAfterSigkillInSeveralParts) {
  make_file(5'000'000);
  test::UploadServer::Settings settings;
  auto tries = std::make_shared<std::atomic<int>>(0);  // copies of the function share it
  settings.fault = [=](const Request& request) {
    if (request.method != "PATCH" || (*tries)++ >= 3) return Fault{};
    return stall_after(100'000);
  };
  start(settings);
  EXPECT_EQ(interrupted_push(300'000, SIGKILL, {"--parallel", "3"}), -SIGKILL);
  expect_resumed({"--parallel", "3"});
}

TEST_F(PushProcess, CtrlCEndsItInOrder) {
  make_file(5'000'000);
  for (const int number : {SIGINT, SIGTERM}) {
    start(patch_fault(0, stall_after(2'000'000)));
    EXPECT_EQ(interrupted_push(2'000'000, number), 1);
    expect_resumed();
  }
}

TEST_F(PushProcess, ExitCodesAndWords) {
  make_file(1'000);
  const auto run = [&](const std::vector<std::string>& more) {
    return test::run_program(command(more));
  };
  start(patch_fault(0, cut(400)));
  const test::Finished cut_short = run({"--retry-for", "0"});
  EXPECT_EQ(cut_short.code, 5) << cut_short.output;
  EXPECT_THAT(cut_short.output, HasSubstr("run the same command again to resume"));
  for (const char* wrong :
       {"--retry-for=-1", "--retry-for=soon", "--parallel=0", "--parallel=17"}) {
    EXPECT_EQ(run({wrong}).code, 2) << wrong;
  }
  test::UploadServer::Settings other;
  other.answer_about = "other bytes";
  start(other);
  EXPECT_EQ(run({"--retry-for", "12h"}).code, 4);
  server_->stop();
  const std::string gone = "http://127.0.0.1:1";
  const test::Finished away =
      test::run_program({STRATA, "push", path_, "--storage", gone, "--retry-for", "1s"});
  EXPECT_EQ(away.code, 5) << away.output;
  EXPECT_THAT(away.output, HasSubstr("trying again in "));
}

}  // namespace
}  // namespace strata
