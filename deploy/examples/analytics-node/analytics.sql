-- One row an event, whatever happens: (source, id) is the identity that CloudEvents promise.
CREATE TABLE IF NOT EXISTS events (
  source   TEXT NOT NULL,    -- the chat; of results, the app
  id       TEXT NOT NULL,
  type     TEXT NOT NULL,
  sequence INTEGER,          -- 1, 2, 3, … without a hole for each chat; results have none
  recorded INTEGER NOT NULL, -- when the connector read it: milliseconds since 1970
  about    TEXT,             -- the correlation id of the command that it comes of, if it comes of one
  valid    INTEGER NOT NULL, -- 1: its data match the schema that it names; 0: nobody looked
  data     TEXT NOT NULL,    -- JSON
  PRIMARY KEY (source, id)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS events_type ON events (type);

-- What is no event of the connector's, as it came: nothing is thrown away.
CREATE TABLE IF NOT EXISTS refused (
  position  INTEGER NOT NULL, -- in the stream
  published TEXT NOT NULL,
  subject   TEXT NOT NULL,
  reason    TEXT NOT NULL,
  headers   TEXT NOT NULL,    -- JSON
  payload   BLOB NOT NULL,
  PRIMARY KEY (position, published)
);

-- How far the stream is read. It is written in the transaction that stores the event.
CREATE TABLE IF NOT EXISTS progress (
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  position INTEGER NOT NULL, -- in the stream
  repeated INTEGER NOT NULL  -- events that came once more, and changed nothing
);
INSERT INTO progress VALUES (1, 0, 0) ON CONFLICT DO NOTHING;

-- How many of a chat's events are not here. It is 0 for all of them once everything is read.
CREATE VIEW IF NOT EXISTS holes AS
SELECT source, max(sequence) - count(*) AS missing
FROM events
WHERE sequence IS NOT NULL
GROUP BY source;

-- Agents are the parties that joined as "internal": bots and customers write messages, too.
CREATE VIEW IF NOT EXISTS agents AS
SELECT DISTINCT source, data ->> 'partyId' AS party
FROM events
WHERE type = 'com.brightpattern.chat.event.party_joined.v1' AND data ->> 'partyType' = 'internal';

-- Both times are the connector's own. The attribute "time" of an event is the contact center's, which mixes
-- seconds and milliseconds. A chat that was only attached has begun at another time than it tells.
CREATE VIEW IF NOT EXISTS chats AS
SELECT opened.source, opened.recorded AS opened, (
    SELECT min(message.recorded)
    FROM events message JOIN agents USING (source)
    WHERE message.source = opened.source
      AND message.type = 'com.brightpattern.chat.event.message.v1' AND message.data ->> 'partyId' = agents.party
  ) AS answered
FROM events opened
WHERE opened.type = 'com.brightpattern.chat.session.opened.v1' AND opened.data ->> 'isNewChat';

-- The median is the middle place of the answered chats, or the mean of the two in the middle.
CREATE VIEW IF NOT EXISTS per_hour AS
WITH waits AS (
  SELECT strftime('%Y-%m-%d %H:00', opened / 1000, 'unixepoch') AS hour, (answered - opened) / 1000.0 AS seconds
  FROM chats
), ranked AS (
  SELECT hour, seconds,
    row_number() OVER (PARTITION BY hour ORDER BY seconds NULLS LAST) AS place,
    count(*) OVER (PARTITION BY hour) AS chats,
    count(seconds) OVER (PARTITION BY hour) AS answered
  FROM waits
)
SELECT hour, chats, answered, avg(seconds) FILTER (WHERE place IN ((answered + 1) / 2, (answered + 2) / 2)) AS median
FROM ranked
GROUP BY hour
ORDER BY hour;
