-- Write a ledger's genesis. Its owner calls it once, at installation; nobody else may.
CREATE OR REPLACE FUNCTION ledger.be_born(_genesis jsonb, _attestors jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger.identity (ledger, network) VALUES (_genesis ->> 'ledger', _genesis ->> 'network');
    INSERT INTO ledger.operators (address) SELECT jsonb_array_elements_text(_genesis -> 'operators');
    PERFORM ledger.add_asset(each) FROM jsonb_array_elements(_genesis -> 'assets') AS each;
    PERFORM ledger.add_attestors(_attestors);
    PERFORM ledger.write_entry('genesis', NULL, NULL, NULL, ledger.clock(), 'installation', _genesis,
        jsonb_build_object('actor', 'installation', 'trace_id', repeat('0', 32), 'span_id', repeat('0', 16)));
END $$;
