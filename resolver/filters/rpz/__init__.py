"""Response policy zones: what is told of names and addresses is written down as a zone (draft-vixie-dnsop-dns-rpz)."""
