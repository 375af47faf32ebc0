// A real OpenID provider for the end-to-end tests: oidc-provider on a free port of 127.0.0.1, its addresses on standard
// output once it serves. Settings are the JSON of the first argument: {port, jwks, ttl}. Clients: `shop` gets tokens
// (client_credentials), `weir` asks about them, `web` sends people through a browser (code flow with PKCE; any login
// and password will do). With resource=urn:jwt an access token is a JWT, else it is opaque.
import http from "node:http";
import { Provider } from "oidc-provider";

const settings = JSON.parse(process.argv[2] ?? "{}");
const server = http.createServer();
server.listen(settings.port ?? 0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const client = (id) => ({
    client_id: id,
    client_secret: `${id}-secret`,
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: "client_secret_basic",
  });
  const web = {
    ...client("web"),
    grant_types: ["authorization_code"],
    redirect_uris: ["http://127.0.0.1/callback"],
    response_types: ["code"],
    application_type: "native",
  };
  const provider = new Provider(issuer, {
    clients: [client("shop"), client("weir"), web],
    scopes: ["openid", "read", "write"],
    cookies: { keys: ["for tests only"] },
    ...(settings.jwks ? { jwks: settings.jwks } : {}),
    ttl: { ClientCredentials: settings.ttl ?? 600 },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: "read write",
          audience: resource,
          accessTokenTTL: settings.ttl ?? 600,
          accessTokenFormat: resource === "urn:jwt" ? "jwt" : "opaque",
          ...(resource === "urn:jwt" ? { jwt: { sign: { alg: "RS256" } } } : {}),
        }),
      },
    },
  });
  server.on("request", provider.callback());
  console.log(JSON.stringify({ issuer }));
});
process.on("SIGTERM", () => process.exit(0));
