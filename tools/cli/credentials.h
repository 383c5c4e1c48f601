#pragma once

#include <string>

#include "strata/metadata/document.h"
#include "tools/cli/command.h"

namespace strata::cli {

// Who signs: a key and its certificate in PEM, or both in a PKCS#12 file.
struct Credentials {
  std::string key, certificate, p12, password_file, email;
};
// --key and --cert, or --p12 and --p12-password-file; --email.
void add_credentials(CLI::App& command, Credentials& credentials);
// Asks for the password of a PKCS#12 file on the terminal when neither a file nor
// STRATA_P12_PASSWORD gives it: on a command line everybody on the machine could read it.
[[nodiscard]] Result<metadata::Endorser> load_endorser(const Credentials& credentials);

}  // namespace strata::cli
