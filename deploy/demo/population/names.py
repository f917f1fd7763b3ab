"""Common given and family names by community, from general knowledge; no list was copied and no name is a person's."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FAMILY = {
    "hispanic": """Garcia Hernandez Martinez Lopez Gonzalez Rodriguez Perez Sanchez Ramirez Torres Flores Rivera Gomez
        Diaz Reyes Cruz Morales Ortiz Gutierrez Chavez Ramos Ruiz Alvarez Mendoza Vasquez Castillo Jimenez Moreno Romero
        Herrera Medina Aguilar Vargas Guzman Munoz Mendez Salazar Soto Delgado Pena Rios Alvarado Sandoval Contreras
        Valdez Guerrero Ortega Estrada Nunez Maldonado Vega Espinoza Dominguez Padilla Silva Rojas Marquez Luna Juarez
        Figueroa Avila Navarro Campos Acosta Mejia Molina Carrillo Ayala Duran Cabrera Robles Solis Lara Cervantes
        Fuentes Velasquez Zamora Serrano Macias Cisneros Trujillo Villarreal Barajas Zavala Orozco Villanueva Quintero
        Camacho Cortez Escobar Rosales Salinas Galvan Ibarra Tapia Meza Rangel""",
    "white": """Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Moore Martin Thompson White
        Clark Lewis Walker Hall Allen Young King Wright Hill Scott Green Adams Baker Nelson Carter Mitchell Roberts
        Phillips Campbell Parker Evans Edwards Collins Stewart Morris Murphy Cook Rogers Morgan Cooper Peterson Reed
        Bailey Kelly Ward Cox Richardson Wood Watson Brooks Bennett Gray Hughes Price Sanders Myers Long Foster Ross
        Powell Sullivan Russell Fisher Henderson Cole West Jordan Owens Reynolds Hamilton Graham Wallace Kennedy
        Schmidt Schneider Weber Hoffman Olson Larsen Jensen Hansen Sorensen O'Brien O'Connor McCarthy Gallagher Rossi
        Romano Silva Costa Kowalski Novak Petrov Goldberg Cohen Friedman Levine Shapiro""",
    "black": """Washington Jefferson Jackson Robinson Harris Banks Booker Coleman Freeman Gaines Hampton Hawkins
        Jenkins Joseph Mosley Singleton Tate Tolliver Vaughn Whitfield Bolden Broadnax Cummings Dorsey Durham Fields
        Franklin Gibbs Glover Grant Griggs Hairston Hicks Holloway Houston Ingram Lyons Mack McCoy McKinney Merritt
        Norwood Ousley Pettway Pickett Randle Roberson Rucker Sims Spears Sykes Tillman Townsend Tubbs Wiggins
        Wilkerson Woodard Yancey""",
    "chinese": """Wong Chan Lee Chen Wang Li Liu Zhang Huang Lin Yang Wu Zhao Zhou Xu Sun Ma Zhu Hu Guo He Lam Leung
        Cheung Ng Ho Chow Yip Fong Gee Kwan Lau Mak Tam Tang Tse Yee Yuen Zheng Liang Chiu Tsai Hsu Chang""",
    "vietnamese": """Nguyen Tran Le Pham Huynh Hoang Phan Vu Vo Dang Bui Do Ho Ngo Duong Ly Dinh Trinh Truong Lam Mai
        Luong Cao Chau Ta Thai Quach Doan Kieu Nghiem""",
    "filipino": """Reyes Santos Cruz Bautista Ocampo DelaCruz Villanueva Aquino Mercado Pascual Santiago Manalo
        Dimaculangan Macaraeg Agbayani Tolentino Salonga Magsaysay Bautista Abad Corpuz Evangelista Gatdula Ilagan
        Javier Lacson Manansala Navarro Panganiban Pangilinan Quiambao Sarmiento Tugade Valdez Ventura Yambao""",
    "armenian": """Petrosyan Grigoryan Harutyunyan Sargsyan Hakobyan Khachatryan Karapetyan Vardanyan Hovhannisyan
        Abrahamian Avakian Babayan Bagdasarian Boyajian Davidian Garabedian Hagopian Kasparian Keshishian Manoukian
        Minassian Nazarian Ohanian Simonian Ter-Petrosyan Topalian Zakarian""",
    "korean": "Kim Lee Park Choi Jung Kang Cho Yoon Jang Lim Han Shin Seo Kwon Hwang Ahn Song Yoo Hong Bae",
    "indian": """Singh Patel Kaur Sharma Gill Sidhu Dhillon Sandhu Grewal Shah Reddy Kumar Gupta Rao Mehta Desai Iyer
        Nair Bains Johal""",
    "pacific": "Tuiasosopo Faleafa Leota Fonoti Tauiliili Kealoha Kahale Taufa Vea Moala Latu Sapolu Tupuola Mahoe",
    "native": "Begay Yazzie Tsosie Benally Locklear Oxendine Antone Lente Chino Pico Subish Miranda Mesa Siva",
}
WOMEN = {
    "hispanic": """Maria Guadalupe Rosa Carmen Josefina Teresa Margarita Juana Francisca Alicia Yolanda Esperanza Elena
        Socorro Amelia Consuelo Ofelia Graciela Lucia Beatriz Irma Dolores Ramona Silvia Hortencia Estela Leticia""",
    "white": """Mary Patricia Barbara Linda Carol Nancy Susan Margaret Judith Betty Shirley Sandra Joan Dorothy Ruth
        Helen Virginia Kathleen Marilyn Janet Joyce Diane Frances Sharon Martha Janice Beverly Phyllis Lois Eleanor""",
    "black": """Gloria Ernestine Vernell Lula Mattie Earline Bernice Rosetta Odessa Willie Geraldine Yvonne Loretta
        Jacqueline Brenda Delores Hattie Queen Thelma Ruby Clarice Maxine Essie Juanita""",
    "chinese": "Mei Lan Ying Hui Fang Yan Xiu Li Qing Hong Yuk Wai Sau Pui Suk Lai Grace Rose Helen Amy",
    "vietnamese": "Lan Hoa Mai Thu Huong Nga Hanh Phuong Kim Ngoc Tuyet Loan Dung Xuan Bich Cuc Dao Yen Anh Lien",
    "filipino": """Corazon Remedios Milagros Lourdes Erlinda Rosario Teresita Luzviminda Imelda Norma Leonora Carmelita
        Perla Zenaida Fe Estrella Ligaya Priscila""",
    "armenian": "Anahit Siranush Hasmik Karine Sona Arpine Nune Araksi Hripsime Gohar Marine Seda Alice Rima Lusine",
    "korean": "Young Soon Mi Kyung Sook Eun Jung Hee Myung Ok Hyun Ja Grace Sun",
    "indian": "Surinder Harbhajan Kamala Sushila Manjit Gurdev Lakshmi Indira Meena Usha Kulwant Asha Nirmala",
    "pacific": "Leilani Sina Mele Lose Ana Salome Malia Kalani Talia Pua",
    "native": "Rose Dorothy Bertha Lorraine Marie Irene Viola Emma Lena Ida",
}
MEN = {
    "hispanic": """Jose Juan Manuel Jesus Francisco Antonio Luis Carlos Miguel Pedro Ramon Roberto Rafael Salvador Raul
        Ruben Alfonso Ernesto Fernando Gilberto Guillermo Hector Jorge Enrique Rodolfo Arturo Felipe Ignacio""",
    "white": """James Robert John William Richard Charles Donald George Thomas David Ronald Kenneth Edward Paul Gary
        Larry Gerald Raymond Frank Walter Harold Eugene Ralph Roger Dennis Stanley Norman Leonard Bruce Allen""",
    "black": """Willie Clarence Otis Leroy Roosevelt Cleveland Melvin Curtis Alvin Ernest Nathaniel Reginald Isaiah
        Rufus Theodore Percy Lamar Booker Wendell Sylvester Cornelius Luther Marvin""",
    "chinese": "Wei Ming Jian Guo Hua Jun Wing Kwok Chi Tak Kin Yiu Sing Fai Henry Peter Albert Gang Bo",
    "vietnamese": "Minh Hung Dung Tuan Hai Thanh Long Binh Duc Quang Son Tam Khanh Phuc Vinh Hoang Cuong Nam Bao",
    "filipino": """Rodrigo Ernesto Danilo Renato Rogelio Eduardo Romeo Virgilio Benigno Alfredo Florencio Reynaldo
        Honorio Isidro Teodoro Wilfredo Conrado""",
    "armenian": "Armen Hovsep Vahan Garo Hagop Levon Ara Sarkis Krikor Varoujan Gevorg Samvel Ashot Vartan Nshan",
    "korean": "Sung Jin Young Ho Chul Dong Jae Kwang Myung Sang Yong Joon Paul David",
    "indian": "Gurdial Harjit Mohan Balbir Ramesh Suresh Rajinder Kewal Ashok Vijay Jagtar Anil Prem Karnail",
    "pacific": "Sione Tavita Viliami Kimo Keoni Semisi Pita Tevita Iosefa Manu",
    "native": "Leonard Raymond Vernon Chester Clifford Alvin Delbert Ernest Floyd Wilbur",
}
STREETS = _words(
    """Maple Oak Cedar Pine Elm Walnut Olive Orange Magnolia Sycamore Eucalyptus Palm Acacia Laurel Willow Alder
    Lincoln Jefferson Madison Monroe Jackson Grant Garfield Fremont Sutter Mission Main Central Pacific Valley
    Hillcrest Sunset Vista Mesa Alameda Broadway Market Park Lake River Church School Railroad Foothill Harbor
    Bayview Fairview Highland Lakeview Sierra Shasta Tulare Ventura Redwood Juniper Poplar Cherry Peach Almond Rose
    Lily Poppy Iris First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth Eleventh Twelfth"""
)
STREET_KINDS = _words("St St St Ave Ave Ave Dr Dr Rd Ln Ct Way Blvd Pl")

LANGUAGES = {
    "hispanic": ("spa", 0.55),
    "chinese": ("chi", 0.62),
    "vietnamese": ("vie", 0.70),
    "filipino": ("tgl", 0.25),
    "armenian": ("arm", 0.60),
    "korean": ("kor", 0.65),
    "indian": ("pan", 0.35),
    "pacific": ("smo", 0.20),
}
LANGUAGE_NAMES = {
    "eng": "English",
    "spa": "Spanish",
    "chi": "Chinese",
    "vie": "Vietnamese",
    "tgl": "Tagalog",
    "arm": "Armenian",
    "kor": "Korean",
    "pan": "Punjabi",
    "smo": "Samoan",
}


def by_community(names: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {community: tuple(dict.fromkeys(_words(text))) for community, text in names.items()}
