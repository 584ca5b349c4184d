-- What a proof of one settlement is put together by (docs/proof-format.md): orders by what they are about, and blocks by
-- what they witness. Few entries are in the first index: mints are not.
CREATE INDEX orders_by_subject ON ledger.entries ((CASE operation
    WHEN 'asset' THEN 'asset ' || (authority #>> '{order,asset,code}')
    WHEN 'attestors' THEN 'attestors ' || (authority #>> '{order,name}')
    WHEN 'close' THEN 'attestors ' || (authority #>> '{order,name}')
    WHEN 'accuse' THEN 'attestor ' || (authority #>> '{first,signature,signer}')
    WHEN 'readmit' THEN 'attestor ' || (authority #>> '{order,attestor}')
    ELSE 'account ' || (authority #>> '{order,account}') END), position)
WHERE operation IN ('open', 'admit', 'expel', 'freeze', 'unfreeze', 'asset', 'attestors', 'close', 'accuse', 'readmit');

CREATE INDEX seals_by_witnessed ON ledger.seals (((seal ->> 'witnessed')::bigint), number);
