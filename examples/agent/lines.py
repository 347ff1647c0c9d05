"""What Mia says in five weeks, two hundred turns, and what a model that is no model answers."""

from __future__ import annotations

from dataclasses import dataclass

Call = tuple[str, dict[str, str]]


@dataclass(frozen=True)
class Turn:
    """One thing that Mia says, and the script of the reply: calls of tools, then a text.

    `wants` is what memory has to bring for it, ahead of what is `stale`. To what is `off_topic` it has nothing to
    bring. `part` makes a task of it: to order that.
    """

    text: str
    reply: str = "Noted."
    calls: tuple[Call, ...] = ()
    wants: str | None = None
    stale: str | None = None
    off_topic: bool = False
    part: str | None = None


def fact(text: str, reply: str = "Noted.") -> Turn:
    """Something to keep."""
    return Turn(text, reply)


def event(text: str, what: str, day: str) -> Turn:
    """Something for the calendar."""
    return Turn(text, f"{what} is in your calendar.", (("add_event", {"what": what, "day": day}),))


def no(text: str, right: str) -> Turn:
    """A correction: `right` is the whole sentence as it should have been."""
    return Turn(text, "Corrected.", (("correct", {"right": right}),))


def recall(text: str, wants: str, not_: str | None = None) -> Turn:
    """A question about what was said."""
    return Turn(text, "This is what I have: {result}", (("recall", {"question": text}),), wants, not_)


def off(text: str, reply: str) -> Turn:
    """A question about the world."""
    return Turn(text, reply, off_topic=True)


def price(item: str) -> Turn:
    """What is looked up each day."""
    return Turn(f"What does a {item} cost today?", "That is the price today.", (("price_of", {"item": item}),))


def task(text: str, part: str) -> Turn:
    """An order; which supplier delivers, experience has to tell."""
    return Turn(text, "I have tried.", part=part)


# A day: what is said between "Good morning!" with the daily price, and "Thanks, see you tomorrow."
DAYS: tuple[tuple[Turn, Turn, Turn, Turn, Turn], ...] = (
    (
        fact("I run a bicycle workshop called Spoke and Co in Oslo."),
        fact("My sister Kim is allergic to walnuts."),
        task("Order 20 brake pads", "brake pads"),
        off("What is the capital of Mongolia?", "Ulaanbaatar."),
        recall("What is Kim allergic to?", "walnuts"),
    ),
    (
        event("The dentist appointment is on Monday the 12th at nine.", "Dentist", "Monday the 12th, nine"),
        fact("The alarm code of the workshop is 4471."),
        fact("My landlord is called Torvald Berg."),
        off("Who wrote Pride and Prejudice?", "Jane Austen."),
        recall("What is the alarm code?", "4471"),
    ),
    (
        no(
            "No, it is Tuesday.",
            "The dentist appointment is on Tuesday the 13th at nine.",
        ),
        fact("Ich trinke keinen Kaffee, nur Tee.", "Verstanden."),
        task("Order 30 brake pads for the spring", "brake pads"),
        off("How far away is the moon?", "About 384,000 kilometres."),
        recall("When is my dentist appointment?", "Tuesday", "Monday"),
    ),
    (
        fact("We close the workshop at five on Fridays."),
        fact("My daughter Liv plays the cello."),
        fact("The red cargo bike belongs to Mrs. Haugen."),
        off("What is the boiling point of ethanol?", "78 degrees Celsius."),
        recall("Which instrument does Liv play?", "cello"),
    ),
    (
        fact("The insurance number of the workshop is NO-77-2190."),
        event("The team dinner is at Bistro Lumen on the 23rd.", "Team dinner at Bistro Lumen", "the 23rd"),
        task("Order 15 chains", "chains"),
        off("Explain how photosynthesis works.", "Plants turn light, water and carbon dioxide into sugar."),
        recall("Who owns the red cargo bike?", "Haugen"),
    ),
    (
        fact("我的生日是五月十二日。", "记住了。"),
        fact("My apprentice Jonas starts on the first of March."),
        fact("The compressor needs new oil every 300 hours."),
        off("Who painted the Mona Lisa?", "Leonardo da Vinci."),
        recall("Was trinke ich statt Kaffee?", "Tee"),
    ),
    (
        no(
            "Wait, the team dinner moved to Trattoria Piano.",
            "The team dinner is at Trattoria Piano on the 23rd.",
        ),
        fact("My shoe size is 39."),
        task("Order 25 chains for the spring", "chains"),
        off("What is the square root of 1764?", "42."),
        recall("Where is the team dinner?", "Trattoria Piano", "Bistro Lumen"),
    ),
    (
        fact("Grandpa Olav turns ninety on the 8th of February."),
        fact("The wifi password is heron-blue-9."),
        fact("My van is a white Renault Kangoo."),
        off("How do I boil an egg?", "Eight minutes in boiling water."),
        recall("我的生日是哪一天？", "五月十二日"),
    ),
    (
        fact("I prefer the window seat on trains."),
        no(
            "Sorry, the alarm code is 4417 now.",
            "The alarm code of the workshop is 4417.",
        ),
        task("Order 10 brake pads for Jonas", "brake pads"),
        off("Which planet has the most moons?", "Saturn."),
        recall("What is the wifi password?", "heron-blue-9"),
    ),
    (
        fact("Our accountant is Petra Nilsen, she comes on the last Thursday of the month."),
        fact("The old lathe was sold to a school in Drammen."),
        fact("Liv's concert is in the town hall."),
        off("Translate 'good night' into Swahili.", "Usiku mwema."),
        recall("What is the alarm code of the workshop?", "4417", "4471"),
    ),
    (
        fact("Mi hermano Pablo vive en Sevilla.", "Anotado."),
        fact("The spare key hangs behind the blue barrel."),
        fact("I lent the torque wrench to Stian."),
        off("What causes the northern lights?", "Particles of the sun in the upper air."),
        recall("Who is our accountant?", "Petra Nilsen"),
    ),
    (
        no(
            "No, my shoe size is 40.",
            "My shoe size is 40.",
        ),
        fact("Jonas is afraid of dogs."),
        task("Order 12 chains", "chains"),
        off("Who won the football world cup in 1998?", "France."),
        recall("Where is the spare key?", "blue barrel"),
    ),
    (
        fact("The delivery from Nordhjul comes on Wednesdays."),
        fact("My doctor is Dr. Amundsen in Grønland."),
        fact("I am saving for a trip to Patagonia."),
        off("What is a haiku?", "A Japanese poem of seventeen syllables."),
        recall("¿Dónde vive mi hermano Pablo?", "Sevilla"),
    ),
    (
        fact("The bike stand by the door wobbles."),
        fact("Kim is getting married in August."),
        no(
            "Actually Jonas starts on the 15th of March.",
            "My apprentice Jonas starts on the 15th of March.",
        ),
        off("How many bones does a human body have?", "206."),
        recall("What car do I drive?", "Renault Kangoo"),
    ),
    (
        fact("Mr. Lund still owes me 1,200 kroner for his wheels."),
        fact("Our newsletter goes out on the first Monday."),
        task("Order 40 brake pads", "brake pads"),
        off("What is the speed of light?", "About 300,000 kilometres a second."),
        recall("When does Jonas start?", "15th of March", "first of March"),
    ),
    (
        fact("The fire extinguisher was checked in January."),
        fact("I am learning Portuguese on Sunday evenings."),
        fact("The ladder must go back to Torvald."),
        off("Name the largest ocean.", "The Pacific."),
        recall("What is my sister allergic to?", "walnuts"),
    ),
    (
        no(
            "Correction, Kim is getting married in September.",
            "Kim is getting married in September.",
        ),
        fact("Stian gave the torque wrench back."),
        fact("The coffee machine of the waiting room is broken."),
        off("Who discovered penicillin?", "Alexander Fleming."),
        recall("Who is my landlord?", "Torvald Berg"),
    ),
    (
        fact("妹の名前は花子です。", "覚えました。"),
        fact("The tax return is due on the 30th of April."),
        task("Order 18 chains for the summer", "chains"),
        off("What rhymes with silver?", "Hardly anything."),
        recall("When does Kim get married?", "September", "August"),
    ),
    (
        fact("I sold the tandem for 8,000 kroner."),
        fact("My neighbour Bjarne feeds the cat when I am away."),
        no(
            "No, the wifi password is heron-green-9.",
            "The wifi password is heron-green-9.",
        ),
        off("What is the chemical symbol of tungsten?", "W."),
        recall("When do we close on Fridays?", "five"),
    ),
    (
        fact("The trailer has a flat tyre."),
        fact("Liv needs a new bow for the cello."),
        fact("My favourite saddle is the Brooks B17."),
        off("How long is the Nile?", "About 6,650 kilometres."),
        recall("What is the password of the wifi?", "heron-green-9", "heron-blue-9"),
    ),
    (
        fact("The school in Drammen asked for a second lathe."),
        fact("I promised Mrs. Haugen a discount of ten percent."),
        task("Order 22 brake pads for the summer", "brake pads"),
        off("Who was the first person on the moon?", "Neil Armstrong."),
        recall("妹の名前は何ですか？", "花子"),
    ),
    (
        no(
            "Bjarne can't, Ingrid feeds the cat.",
            "My neighbour Ingrid feeds the cat when I am away.",
        ),
        fact("The sign over the door needs paint."),
        fact("I booked a cabin in Lillehammer for Easter."),
        off("What is the plot of Hamlet?", "A prince avenges his father, and everybody dies."),
        recall("What is the insurance number?", "NO-77-2190"),
    ),
    (
        fact("The new helmet model is called Falke."),
        fact("Pablo visits us in June."),
        task("Order 16 chains for Jonas", "chains"),
        off("How does a vaccine work?", "It trains the immune system."),
        recall("Who feeds the cat when I am away?", "Ingrid", "Bjarne"),
    ),
    (
        fact("The window in the back room does not shut."),
        no(
            "No, we booked a cabin in Trysil.",
            "I booked a cabin in Trysil for Easter.",
        ),
        fact("Mr. Lund has paid."),
        off("What is the currency of Thailand?", "The baht."),
        recall("Where did we walk with grandma in 2024?", "Besseggen"),
    ),
    (
        recall("What did an inner tube cost in January?", "89 kr"),
        recall("What is my shoe size?", "40", "39"),
        recall("Where did I book a cabin for Easter?", "Trysil", "Lillehammer"),
        off("Why is the sky blue?", "Air scatters blue light the most."),
        recall("What is the name of my workshop?", "Spoke and Co"),
    ),
)

# A conversation of before, which is brought in on the thirteenth day.
OLD = (
    ("user", "In the summer of 2024 we walked over Besseggen with grandma.", "2024-07-14T20:00:00+02:00"),
    ("assistant", "That is quite a ridge.", "2024-07-14T20:00:20+02:00"),
    ("user", "She was faster than all of us.", "2024-07-14T20:01:00+02:00"),
)
