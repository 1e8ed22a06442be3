-- Where several processes serve customers, a parcel is told by one of them.
ALTER TABLE parcel ADD COLUMN epoch int; -- who tells it; NULL or ended: whoever can
