create table account (name text primary key, balance bigint not null check (balance >= 0)) with (fillfactor = 50);
create table offering (
    name text primary key, price bigint not null, items int not null, sold int not null,
    payee text not null, payer text not null
) with (fillfactor = 10);
create table hop (
    offering text, serial int, place int, account text not null, promise bigint not null,
    primary key (offering, serial, place)
);
create table envelope (offering text, serial int, rest bigint not null, primary key (offering, serial));
create table request (id text primary key, buyer text not null, offering text not null, serial int not null);

-- One purchase, everything or nothing, once for each id: the serial, or -1 when sold out, or -2 without the money.
create function purchase(asked text, buyer text, wanted text) returns int language plpgsql as $$
declare
    sale offering%rowtype;
    one hop%rowtype;
    number int;
    left_over bigint;
begin
    select serial into number from request where id = asked;
    if number is not null then return number; end if;
    select * into sale from offering where name = wanted for update;
    if sale.sold >= sale.items then return -1; end if;
    number := sale.sold + 1;
    update account set balance = balance - sale.price where name = buyer and balance >= sale.price;
    if not found then return -2; end if;
    update offering set sold = number where name = wanted;
    update account set balance = balance + sale.price where name = sale.payee;
    select rest into left_over from envelope where offering = wanted and serial = number;
    for one in select * from hop where offering = wanted and serial = number order by place loop
        update account set balance = balance + one.promise where name = one.account;
        left_over := left_over - one.promise;
    end loop;
    update account set balance = balance + left_over where name = sale.payer;
    update envelope set rest = 0 where offering = wanted and serial = number;
    insert into request values (asked, buyer, wanted, number);
    return number;
end $$;
