-- a model without Jinja
select 1 as one, 'text' as two, cast(null as integer) as three, 1.25::decimal(9, 2) as four, [1, 2] as five, {'a': 1} as six
