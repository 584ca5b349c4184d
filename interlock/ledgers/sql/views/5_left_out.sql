-- Which attestors' signatures do not count here now.
CREATE OR REPLACE VIEW ledger.left_out AS
SELECT attestor, entry FROM ledger.accused WHERE left_out;
