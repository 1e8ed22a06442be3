-- Its place is kept.
SELECT 1;
