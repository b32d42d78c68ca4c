"""What PostgreSQL and MariaDB share: an address, a pool of connections, and transactions over one of them."""
