"""What the end-to-end tests share: the gateway process, a scripted origin, a raw client, certificates, config words."""
