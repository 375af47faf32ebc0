// The schema of `certificates`, of `secrets`, and of a listener's own list of certificates (document_schema.h). Which
// fields exclude which, and that nothing secret stands here in plain, is compile/sealed.cc's: its messages must not
// repeat what was written.
#include "snapshot/schema/document_schema.h"
#include "snapshot/schema/formats.h"

namespace weir::snapshot {
namespace {

using schema::field;

Schema file() { return schema::string().min_length(1).named("file name"); }
Schema name_of(Literal noun) { return schema::string().named(noun).min_length(1).max_length(128).format(is_id); }

}  // namespace

Schema certificates_schema() {
  return schema::array(schema::object({
      field("name", name_of("certificate name")).required().doc("Unique; what listeners write as {name: NAME}."),
      field("cert_pem", schema::string().min_length(1).named("PEM text"))
          .doc("The certificate, then its intermediates, as text (-----BEGIN CERTIFICATE-----)."),
      field("cert_file", file()).doc("Or the PEM file that holds them. One of the two is needed."),
      field("key", schema::string().min_length(1).named("sealed key"))
          .doc("The private key in PEM, sealed (sealed:v1:…), as the control plane keeps it. Never in plain."),
      field("key_file", file()).doc("Or the PEM file that holds it, without a passphrase."),
      field("key_env", schema::string().min_length(1).named("environment variable"))
          .doc("Or the environment variable that holds it. One of the three is needed."),
      tags_field(),
  }));
}

Schema secrets_schema() {
  return schema::array(schema::object({
      field("name", name_of("secret name")).required().doc("Unique; what others write as secret_name: NAME."),
      field("value", schema::string().min_length(1).named("sealed value"))
          .required()
          .doc("The secret, sealed (sealed:v1:…), as the control plane keeps it. Never in plain."),
      tags_field(),
  }));
}

Schema listener_certificates_schema() {
  const Schema named = schema::object({
      field("cert_file", file()).doc("PEM file: the certificate, then its intermediates."),
      field("key_file", file()).doc("PEM file: the private key, without a passphrase."),
      field("name", name_of("certificate name"))
          .doc("Instead of files: one of the config's `certificates`, such as a control plane publishes."),
  });
  return schema::array(schema::one_of({schema::string().words({"all"}).doc("All of `certificates`."), named})
                           .named("certificate"))
      .min_items(1);
}

}  // namespace weir::snapshot
