-- Cards are kept whosever they are. This counts those whose user nobody has told of: they name none, or one who is not there (yet).
CREATE VIEW cards_of_unknown_users AS
SELECT
  count(*) AS cards,
  count(*) FILTER (WHERE c.user_id IS NULL) AS without_user_id,
  count(c.user_id) AS with_unknown_user_id
FROM cards c
WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = c.user_id);
