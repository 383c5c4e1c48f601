#include "storage/service/endorser_files.h"

#include <unistd.h>

#include <filesystem>

#include "storage/service/secret_file.h"
#include "strata/base/text.h"
#include "strata/metadata/image_metadata.h"

namespace strata::storage {
namespace {

std::string host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

// Both files, or neither: the certificate is written last, so a key without one is a first start
// that was cut off.
Status generate(const std::string& key_path, const std::string& certificate_path,
                const Config& config, const Clock& clock) {
  std::string email = config.endorser_email;
  if (email.empty()) email = "strata@" + host_name();
  if (!metadata::is_valid_email(email)) {
    return Error(Errc::kUsage, "'" + email + "' is no e-mail address; set endorser.email");
  }
  STRATA_TRY(const auto pem, metadata::Endorser::generate(host_name(), email, clock));
  std::error_code ignored;
  std::filesystem::remove(key_path, ignored);
  if (const Status status = write_secret(key_path, pem.key); !status) return status;
  return write_secret(certificate_path, pem.certificate);
}

}  // namespace

Result<metadata::Endorser> load_endorser(const Config& config, const Clock& clock) {
  std::string key_path = config.endorser_key;
  std::string certificate_path = config.endorser_certificate;
  if (key_path.empty()) {
    const std::string folder = config.data + "/endorser";
    key_path = folder + "/key.pem";
    certificate_path = folder + "/crt.pem";
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) return Error(Errc::kIo, "creating " + folder + ": " + failed.message());
    if (!std::filesystem::exists(certificate_path)) {
      if (const Status status = generate(key_path, certificate_path, config, clock); !status) {
        return status.error();
      }
    }
  }
  const auto key = read_secret(key_path);
  const auto certificate = read_secret(certificate_path);
  if (!key || !certificate) {
    return Error(Errc::kUsage, "cannot read " + (key ? certificate_path : key_path));
  }
  auto endorser = metadata::Endorser::load(*key + "\n", *certificate + "\n");
  if (!endorser) return endorser.error().in(certificate_path);
  return endorser;
}

}  // namespace strata::storage
