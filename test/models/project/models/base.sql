

{# A comment that is not in the SQL #}
{{ config(materialized='table', tags='base') }}

select * from (values
    (1, 'a', 110, date '2024-01-01'),
    (2, 'b', 250, date '2024-01-02'),
    (3, 'a', 399, date '2024-01-03')
) as rows(id, kind, amount, day)


